// The emulated core as boardless needs it: it stands still at symbols and limits, measures regions, and notes when each byte
// went to the console. All of that happens on the core's own thread, and so cannot be Python. Compiled by Renode's own
// compiler, once a version. SPDX-License-Identifier: Apache-2.0
using System;
using System.Collections.Generic;
using System.IO;
using System.Runtime.InteropServices;
using System.Text;
using System.Threading;
using Antmicro.Renode.Core;
using Antmicro.Renode.Peripherals.Bus;
using Antmicro.Renode.Peripherals.IRQControllers;
using Antmicro.Renode.Peripherals.UART;
using Antmicro.Renode.Time;
using Antmicro.Renode.Utilities.Binding;

namespace Antmicro.Renode.Peripherals.CPU
{
    // One core. While it stands still its thread waits in here, in front of the instruction where it stopped; what is asked
    // of it meanwhile comes from other threads. Counts are of instructions.
    public class BoardlessCore : CortexM
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

        // The UART gets these bytes, one after the other: first one now, if the line is quiet, each `apart` ns later.
        public void Send(byte[] data, ulong apart)
        {
            var begun = (ulong)(machine.ElapsedVirtualTime.TimeElapsed.TotalMicroseconds * 1000); // where Renode counts from
            foreach(var value in data)
            {
                var at = Math.Max(lineFree, Now);
                lineFree = at + apart;
                var sentNow = value;
                machine.ScheduleAction(TimeInterval.FromMicroseconds((at - begun) / 1000 + 1), _ => uart.WriteChar(sentNow));
            }
        }

        // "symbol", "limit", "stuck", "reset", "nothing" or "ended"
        private string StopKind { get; set; }
        private string StopName { get; set; }
        private ulong StopPC { get; set; }
        private ulong StopCount { get; set; }
        private ulong StopTime { get; set; }

        // A function that begins with NOP is stopped at by what stands there instead: a call of the debugger, which costs
        // microseconds where Renode's hooks cost milliseconds. It executes as one instruction, as NOP does.
        public bool Bell(string name, ulong address)
        {
            if(bus.ReadWord(address) != Nop)
            {
                return false;
            }
            bus.WriteWord(address, Breakpoint);
            bellName = name;
            bellAddress = address;
            return true;
        }

        public void Arm(string name, ulong address, bool stop, bool region)
        {
            Armed armed;
            if(!arms.TryGetValue(name, out armed))
            {
                armed = arms[name] = new Armed { Core = this, Name = name };
            }
            armed.Stop = stop;
            armed.Region = region;
            // A hook's type has another name in each version of Renode: it is left to the compiler. Two made from one
            // method of one object are equal, so the second of them removes the first.
            if((stop || region) && !armed.Hooked)
            {
                AddHook(address, armed.OnArrival);
                armed.Hooked = hooksAdded = true;
            }
            else if(!stop && !region && armed.Hooked)
            {
                RemoveHook(address, armed.OnArrival);
                armed.Hooked = false;
            }
        }

        // Lets the core go on; Wait tells when it stands. It executes one block at least.
        private void Resume(ulong limit)
        {
            StopKind = StopName = "";
            StopPC = 0;
            stopped.Reset();
            this.limit = timed ? ulong.MaxValue : Math.Max(limit, Count + 1);
            until = timed ? limit : ulong.MaxValue;
            if(standing)
            {
                go.Set();
            }
            else if(driver == null)
            {
                driver = new Thread(Drive) { IsBackground = true };
                driver.Start();
            }
        }

        // What a stop needs in one call, for calls from Python are what costs: writes first (address, length, bytes; one
        // after the other in the buffer), then Resume. Returns what Wait does.
        public int Run(ulong limit, int milliseconds, long buffer, int length, ulong glance, int glanceLength)
        {
            var all = new byte[length];
            Marshal.Copy(new IntPtr(buffer), all, 0, length);
            for(var at = 0; at < length;)
            {
                var size = BitConverter.ToInt32(all, at + 4);
                var data = new byte[size];
                Array.Copy(all, at + 8, data, 0, size);
                bus.WriteBytes(data, BitConverter.ToUInt32(all, at));
                at += 8 + size;
            }
            Resume(limit);
            return Wait(milliseconds, buffer, glance, glanceLength);
        }

        // -1 while the core runs; else the buffer holds, and this is the length of: count, Renode's time in ns, pc, length of
        // kind, of name, of the memory that was asked for, number of console bytes; then these, and the mark of each byte.
        public int Wait(int milliseconds, long buffer, ulong glance, int glanceLength)
        {
            if(!stopped.WaitOne(milliseconds))
            {
                return -1;
            }
            var kind = Encoding.ASCII.GetBytes(StopKind);
            var name = Encoding.UTF8.GetBytes(StopName);
            var stream = new MemoryStream();
            var writer = new BinaryWriter(stream);
            lock(sent)
            {
                var bytes = Math.Min(sent.Count, SentMost);
                writer.Write(StopCount);
                writer.Write(StopTime);
                writer.Write(StopPC);
                writer.Write(kind.Length);
                writer.Write(name.Length);
                writer.Write(glanceLength);
                writer.Write(bytes);
                writer.Write(kind);
                writer.Write(name);
                if(glanceLength > 0)
                {
                    writer.Write(bus.ReadBytes(glance, glanceLength));
                }
                for(var i = 0; i < bytes; i++)
                {
                    writer.Write(sent[i]);
                }
                for(var i = 0; i < bytes; i++)
                {
                    writer.Write(marks[i]);
                }
                sent.RemoveRange(0, bytes);
                marks.RemoveRange(0, bytes);
            }
            var all = stream.ToArray();
            Marshal.Copy(all, 0, new IntPtr(buffer), all.Length);
            return all.Length;
        }

        // Renode's time goes on in small pieces: only to see that a core sleeps for ever.
        private void Drive()
        {
            try
            {
                ulong idle = 0;
                while(!closing)
                {
                    var before = Count;
                    emulation.RunFor(TimeInterval.FromMilliseconds(Piece));
                    idle = Count == before ? idle + Piece : 0;
                    if(idle >= IdleMost && !closing && !(timed && uart != null)) // which may be woken by what comes there
                    {
                        StopCount = Count;
                        Stopped("stuck", "", PC.RawValue);
                        return;
                    }
                }
            }
            catch(Exception e)
            {
                Stopped("ended", e.GetType().Name + ": " + e.Message, 0);
            }
        }

        public override ExecutionResult ExecuteInstructions(ulong wanted, out ulong executed)
        {
            executed = 0;
            toldAt = Count;
            while(executed < wanted && !closing)
            {
                // A core that sleeps comes by here once a quantum.
                if(Count >= limit || (timed && Now >= until))
                {
                    StandStill("limit", "", PC.RawValue);
                    continue;
                }
                ulong done;
                hooksAdded = false;
                plannedEnd = Math.Min(Count + wanted - executed, limit);
                if(timed)
                {
                    plannedEnd = Math.Min(plannedEnd, Count + Math.Max(1, Instructions(until - Now)));
                }
                var result = base.ExecuteInstructions(plannedEnd - Count, out done);
                executed += done;
                if(result == ExecutionResult.Interrupted && returning)
                {
                    returning = false;
                    continue;
                }
                returning = false;
                if(result != ExecutionResult.Ok)
                {
                    return result;
                }
            }
            executed = wanted; // where the machine is closed: Renode's time comes to the end of its piece
            return ExecutionResult.Ok;
        }

        private ulong Instructions(ulong nanoseconds)
        {
            return nanoseconds > Second ? Second * PerformanceInMips / 1000 : nanoseconds * PerformanceInMips / 1000;
        }

        // The firmware has asked for it (AIRCR): the end, as what was in the core is gone.
        public override void Reset()
        {
            var count = Count;
            base.Reset();
            if(driver != null && !closing)
            {
                closing = true;
                StopCount = count;
                Stopped("reset", "", 0);
            }
        }

        // BKPT 0xAB.
        [Export]
        private uint DoSemihosting()
        {
            var at = PC.RawValue - 2;
            if(at != bellAddress && PC.RawValue != bellAddress)
            {
                return 0;
            }
            StandStill("symbol", bellName, bellAddress, 1);
            // Renode puts new hooks into the code when it is called to execute: it must return for that.
            var soon = timed && Count + Instructions(until - Math.Min(until, Now)) < plannedEnd;
            if(closing || limit < plannedEnd || soon || hooksAdded)
            {
                returning = true;
                RequestReturn();
            }
            return (uint)GetRegister(0).RawValue;
        }

        private void OnArrival(Armed armed, ulong at)
        {
            if(armed.Region)
            {
                Enter(armed.Name);
            }
            if(armed.Stop)
            {
                StandStill("symbol", armed.Name, at);
            }
        }

        private void Enter(string name)
        {
            var back = GetRegister(14).RawValue & ~1UL;
            open.Add(new Open { Name = name, Back = back, Stack = GetRegister(13).RawValue, Start = Count });
            if(returns.Add(back))
            {
                AddHook(back, (c, at) => OnReturn(at));
            }
        }

        private void OnReturn(ulong at)
        {
            var stack = GetRegister(13).RawValue;
            for(var i = open.Count - 1; i >= 0; i--)
            {
                var entry = open[i];
                if(entry.Back != at || entry.Stack != stack)
                {
                    continue;
                }
                open.RemoveRange(i, open.Count - i);
                lock(runs)
                {
                    runs.Add(entry.Name + " " + entry.Start + " " + Count + " " + i);
                }
            }
        }

        // On the core's thread: tell that it stands, wait until it may go on.
        private void StandStill(string kind, string name, ulong pc, ulong counted = 0)
        {
            if(closing)
            {
                return;
            }
            go.Reset();
            standing = true;
            // An access to an address where nothing is: Renode reads 0 and goes on, hardware faults.
            var nothing = bus.UnexpectedReads + bus.UnexpectedWrites;
            StopCount = Count - counted;
            Stopped(nothing == unexpected || !strict ? kind : "nothing", name, pc);
            unexpected = nothing;
            go.WaitOne();
            standing = false;
        }

        private void Stopped(string kind, string name, ulong pc)
        {
            StopKind = kind;
            StopName = name;
            StopPC = pc;
            StopTime = timed ? Now : 0;
            stopped.Set();
        }

        private void OnByte(byte value)
        {
            lock(sent)
            {
                sent.Add(value);
                marks.Add(timed ? Now : Count);
            }
        }

        // Execution of what is no memory: Renode gives the core up, and RunFor never returns.
        private void OnHalted(HaltArguments arguments)
        {
            if(arguments.Reason == HaltReason.Abort)
            {
                StopCount = Count;
                Stopped("ended", "", PC.RawValue);
            }
        }

        // A line a run: symbol, start, end, depth.
        public string TakeRuns()
        {
            lock(runs)
            {
                var all = string.Join("\n", runs);
                runs.Clear();
                return all;
            }
        }

        // Lets a core that stands still come to its end, for the machine to be cleared. False: it does not come.
        public bool Close(int milliseconds)
        {
            closing = true;
            go.Set();
            return driver == null || driver.Join(milliseconds);
        }

        private Emulation emulation;
        private Thread driver;
        private string bellName = "";
        private ulong bellAddress = ulong.MaxValue;
        private ulong limit;
        private ulong plannedEnd;
        private bool returning;
        private volatile bool hooksAdded;
        private int unexpected;
        private bool strict;
        private bool timed;
        private IUART uart;
        private ulong until = ulong.MaxValue; // ns of Renode's time
        private ulong now; // the latest that was told
        private ulong toldAt; // instructions when Renode was last told of them
        private ulong lineFree; // ns at which the last byte to the UART is over
        private volatile bool standing;
        private volatile bool closing;
        private readonly SystemBus bus;
        private readonly Dictionary<string, Armed> arms = new Dictionary<string, Armed>();
        private readonly HashSet<ulong> returns = new HashSet<ulong>();
        private readonly List<Open> open = new List<Open>();
        private readonly List<string> runs = new List<string>();
        private readonly List<byte> sent = new List<byte>();
        private readonly List<ulong> marks = new List<ulong>();
        private readonly ManualResetEvent stopped = new ManualResetEvent(false);
        private readonly ManualResetEvent go = new ManualResetEvent(false);
        private const int SentMost = 65536; // console bytes that one stop takes
        private const ushort Nop = 0xBF00;
        private const ushort Breakpoint = 0xBEAB;
        private const ulong Piece = 100; // ms of Renode's time
        private const ulong IdleMost = 20000;
        private const ulong Second = 1000000000; // ns

        private class Armed
        {
            public string Name;
            public bool Stop;
            public bool Region;
            public bool Hooked;
            public BoardlessCore Core;

            public void OnArrival(ICpuSupportingGdb cpu, ulong at)
            {
                Core.OnArrival(this, at);
            }
        }

        private class Open
        {
            public string Name;
            public ulong Back;
            public ulong Stack;
            public ulong Start;
        }
    }
}
