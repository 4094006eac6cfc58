// What is asked of the core from outside, and where it stands. SPDX-License-Identifier: Apache-2.0
namespace Antmicro.Renode.Peripherals.CPU
{
    using System;
    using System.IO;
    using System.Runtime.InteropServices;
    using System.Text;
    using System.Threading;
    using Antmicro.Renode.Time;

    public partial class BoardlessCore
    {
        // "symbol", "limit", "stuck", "reset", "nothing" or "ended"
        private string StopKind { get; set; }
        private string StopName { get; set; }
        private ulong StopPC { get; set; }
        private ulong StopCount { get; set; }
        private ulong StopTime { get; set; }

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
                    // A UART of the product's own takes input, which may wake it; that of a bare machine takes none.
                    if(idle >= IdleMost && !closing && (strict || uart == null))
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

        private Thread driver;
        private ulong limit;
        private ulong until = ulong.MaxValue; // ns of Renode's time
        private int unexpected;
        private volatile bool standing;
        private readonly ManualResetEvent stopped = new ManualResetEvent(false);
        private readonly ManualResetEvent go = new ManualResetEvent(false);
        private const int SentMost = 65536; // console bytes that one stop takes
        private const ulong Piece = 100; // ms of Renode's time
        private const ulong IdleMost = 20000;
    }
}
