// Functions at which the core stops, or whose runs it measures. SPDX-License-Identifier: Apache-2.0
namespace Antmicro.Renode.Peripherals.CPU
{
    using System;
    using System.Collections.Generic;
    using Antmicro.Renode.Utilities.Binding;

    public partial class BoardlessCore
    {
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

        private string bellName = "";
        private ulong bellAddress = ulong.MaxValue;
        private volatile bool hooksAdded;
        private readonly Dictionary<string, Armed> arms = new Dictionary<string, Armed>();
        private const ushort Nop = 0xBF00;
        private const ushort Breakpoint = 0xBEAB;

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
    }
}
