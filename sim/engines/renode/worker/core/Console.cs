// Bytes to and from the firmware's UART, with their times. SPDX-License-Identifier: Apache-2.0
namespace Antmicro.Renode.Peripherals.CPU
{
    using System;
    using System.Collections.Generic;
    using Antmicro.Renode.Time;

    public partial class BoardlessCore
    {
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

        private void OnByte(byte value)
        {
            lock(sent)
            {
                sent.Add(value);
                marks.Add(timed ? Now : Count);
            }
        }

        private ulong lineFree; // ns at which the last byte to the UART is over
        private readonly List<byte> sent = new List<byte>();
        private readonly List<ulong> marks = new List<ulong>();
    }
}
