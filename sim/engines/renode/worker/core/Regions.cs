// Runs of functions: when they began and ended, and in which others. SPDX-License-Identifier: Apache-2.0
namespace Antmicro.Renode.Peripherals.CPU
{
    using System.Collections.Generic;

    public partial class BoardlessCore
    {
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

        private readonly HashSet<ulong> returns = new HashSet<ulong>();
        private readonly List<Open> open = new List<Open>();
        private readonly List<string> runs = new List<string>();

        private class Open
        {
            public string Name;
            public ulong Back;
            public ulong Stack;
            public ulong Start;
        }
    }
}
