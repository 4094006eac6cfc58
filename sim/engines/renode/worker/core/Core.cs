// The emulated core as boardless needs it: it stands still at symbols and limits, measures regions, and notes when each byte
// went to the console. All of that happens on the core's own thread, and so cannot be Python. Renode's own compiler compiles
// the files of this folder, once a version, as one file, as Renode 1.15 takes no more: a file's names are inside its namespace.
// SPDX-License-Identifier: Apache-2.0
namespace Antmicro.Renode.Peripherals.CPU
{
    using System;
    using Antmicro.Renode.Core;
    using Antmicro.Renode.Peripherals.Bus;
    using Antmicro.Renode.Peripherals.IRQControllers;
    using Antmicro.Renode.Peripherals.UART;
    using Antmicro.Renode.Time;

    // One core. While it stands still its thread waits in here, in front of the instruction where it stopped; what is asked
    // of it meanwhile comes from other threads. Counts are of instructions.
    public partial class BoardlessCore : CortexM
    {
        public BoardlessCore(string cpuType, IMachine machine, NVIC nvic) : base(cpuType, machine, nvic)
        {
            bus = (SystemBus)machine.SystemBus;
            Halted += OnHalted;
        }

        // uart: the console, or null. strict: an access to an address where nothing is, is an end. timed: the image has
        // timers, and lives on Renode's time: limits and the marks of bytes are of that, in ns.
        public void Prepare(Emulation emulation, IUART uart, bool strict, bool timed)
        {
            this.emulation = emulation;
            this.strict = strict;
            this.timed = timed;
            this.uart = uart;
            if(uart != null)
            {
                uart.CharReceived += OnByte;
            }
        }

        public ulong Count { get { return ExecutedInstructions; } }

        // Renode's time in ns, with what has been executed since it was last told of (to the microsecond). Never runs back.
        public ulong Now
        {
            get
            {
                var told = (ulong)(TimeHandle.TotalElapsedTime.TotalMicroseconds * 1000);
                now = Math.Max(now, told + (Count - toldAt) * 1000 / PerformanceInMips);
                return now;
            }
        }

        public override void SyncTime()
        {
            base.SyncTime();
            toldAt = Count;
        }

        // Lets a core that stands still come to its end, for the machine to be cleared. False: it does not come.
        public bool Close(int milliseconds)
        {
            closing = true;
            go.Set();
            return driver == null || driver.Join(milliseconds);
        }

        private Emulation emulation;
        private bool strict;
        private bool timed;
        private IUART uart;
        private ulong now; // the latest that was told
        private ulong toldAt; // instructions when Renode was last told of them
        private volatile bool closing;
        private readonly SystemBus bus;
        private const ulong Second = 1000000000; // ns
    }
}
