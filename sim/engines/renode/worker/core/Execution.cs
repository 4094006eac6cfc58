// How many instructions the core executes at once, and what ends it. SPDX-License-Identifier: Apache-2.0
namespace Antmicro.Renode.Peripherals.CPU
{
    using System;

    public partial class BoardlessCore
    {
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

        // Execution of what is no memory: Renode gives the core up, and RunFor never returns.
        private void OnHalted(HaltArguments arguments)
        {
            if(arguments.Reason == HaltReason.Abort)
            {
                StopCount = Count;
                Stopped("ended", "", PC.RawValue);
            }
        }

        private ulong plannedEnd;
        private bool returning;
    }
}
