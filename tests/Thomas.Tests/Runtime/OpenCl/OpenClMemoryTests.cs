using System;
using Thomas.Runtime;
using Thomas.Runtime.OpenCl;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Runtime.OpenCl;

/// <summary>Memory of a device, and the way there.</summary>
public sealed class OpenClMemoryTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_is_written_arrives_though_the_source_changes_at_once(bool pins)
    {
        OpenClDevice device = OpenClTesting.RequireDevice();
        OpenClStaging staging = new(device, pins);

        // More than the ring of pinned pieces holds, and no multiple of a piece.
        const int Bytes = (37 << 20) + 12;
        using OpenClMemory memory = new(device, Bytes + 100);
        byte[] source = new byte[Bytes], expected = new byte[Bytes + 100];
        for (int round = 0; round < 2; round++)
        {
            new Random(round).NextBytes(source);
            source.CopyTo(expected, 40);
            staging.Write(memory.Handle, 40, source);
            Array.Clear(source);
            staging.Write(memory.Handle, 4, [1, 2, 3, 4]);
            new byte[] { 1, 2, 3, 4 }.CopyTo(expected, 4);
            byte[] actual = new byte[expected.Length];
            memory.Read(0, actual);
            Assert.True(expected.AsSpan().SequenceEqual(actual));
        }

        staging.Free();
    }

    [Fact]
    public void Memory_begins_as_zeros_and_is_copied_swapped_and_cleared_in_order()
    {
        // A device of its own: others allocate at the same time.
        OpenClDevice device = OpenClTesting.Open();
        long before = device.Bytes;
        using (DeviceMemory a = device.Allocate(70), b = device.Allocate(70))
        {
            Assert.Equal(before + (2 * 72), device.Bytes);
            byte[] actual = new byte[70];
            a.Read(0, actual);
            Assert.All(actual, value => Assert.Equal(0, value));
            byte[] numbers = new byte[70];
            for (int i = 0; i < numbers.Length; i++) numbers[i] = (byte)(i + 1);
            a.Write(0, numbers);
            a.CopyTo(8, b, 0, 20);
            a.Swap(0, b, 32, 8);
            b.Clear(4, 7);
            b.Read(0, actual);
            for (int i = 0; i < actual.Length; i++)
            {
                int expected = i is >= 4 and < 11 ? 0 : i < 20 ? i + 9 : i is >= 32 and < 40 ? i - 31 : 0;
                Assert.Equal(expected, actual[i]);
            }

            a.Read(0, actual);
            for (int i = 0; i < actual.Length; i++) Assert.Equal(i < 8 ? 0 : i + 1, actual[i]);
            Assert.Throws<ArgumentOutOfRangeException>(() => a.Write(60, new byte[11]));
            Assert.Throws<ArgumentOutOfRangeException>(() => a.Read(-1, actual));
        }

        Assert.Equal(before, device.Bytes);
    }

    [Fact]
    public void A_buffer_that_the_device_does_not_have_is_refused_by_its_size()
    {
        OpenClDevice device = OpenClTesting.RequireDevice();
        OpenClDevice small = new(device.Info, 0, new OpenClSettings { LargestBuffer = 1 << 20 });
        NotEnoughMemoryException e = Assert.Throws<NotEnoughMemoryException>(() => small.Allocate((1 << 20) + 1));
        Assert.Contains("its largest buffer has 1MiB", e.Message, StringComparison.Ordinal);
        using DeviceMemory fits = small.Allocate(1 << 20);
        Assert.Equal(1 << 20, fits.SizeBytes);
    }
}
