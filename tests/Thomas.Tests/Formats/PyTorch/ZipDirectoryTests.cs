using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO.Compression;
using System.IO.Hashing;
using System.Text;
using Thomas.Formats.PyTorch;
using Xunit;

namespace Thomas.Tests.Formats.PyTorch;

public sealed class ZipDirectoryTests
{
    private static byte[] Sample { get; } = TorchFile.Zip("pickle"u8.ToArray(), [("0", "first"u8.ToArray()), ("1", "second"u8.ToArray())]);

    private static void Uncharged(long bytes, string place) => Assert.Fail($"{place}: {bytes} bytes are allocated");

    private static void Refused(byte[] file, string problem, string entry = "sample/data/0")
    {
        ModelFormatException e = Assert.Throws<ModelFormatException>(() => new ZipDirectory(file, "f").Open(entry, static (_, _) => { }));
        Assert.Contains(problem, e.Message, StringComparison.Ordinal);
    }

    // The place of the n-th occurrence of a signature.
    private static int Find(byte[] file, ReadOnlySpan<byte> signature, int n)
    {
        int at = -1;
        for (; n >= 0; n--) at += 1 + file.AsSpan(at + 1).IndexOf(signature);
        return at;
    }

    private static byte[] Changed(Action<byte[]> change)
    {
        byte[] copy = [.. Sample];
        change(copy);
        return copy;
    }

    [Fact]
    public void Stored_entries_are_borrowed()
    {
        ZipDirectory archive = new(Sample, "f");
        Assert.Equal(["sample/data.pkl", "sample/byteorder", "sample/data/0", "sample/data/1"], archive.Names);
        ReadOnlyMemory<byte> contents = archive.Open("sample/data/1", Uncharged)!.Value;
        Assert.Equal("second"u8, contents.Span);
        Assert.True(Sample.AsSpan().Overlaps(contents.Span));
        Assert.Null(archive.Open("sample/data/2", Uncharged));
    }

    [Fact]
    public void Sizes_and_places_of_64_bits_are_read() =>
        Assert.Equal("sixty-four"u8, new ZipDirectory(Zip64("sixty-four"u8), "f").Open("a", Uncharged)!.Value.Span);

    [Fact]
    public void A_wrong_checksum_is_refused() =>
        Refused(Changed(static file => file[Find(file, "first"u8, 0)] ^= 1), "entry 'sample/data/0': the checksum differs");

    [Fact]
    public void Entries_that_share_bytes_are_refused() => Refused(Changed(static file =>
    {
        int second = Find(file, "PK\x01\x02"u8, 3);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(second + 42), Find(file, "PK\x03\x04"u8, 2));
    }), "shares bytes with");

    [Fact]
    public void An_entry_that_occurs_twice_is_refused() =>
        Refused(Changed(static file => file[Find(file, "data/1"u8, 1) + 5] = (byte)'0'), "the name occurs twice");

    [Theory]
    [InlineData(8, 1, "it is encrypted")]
    [InlineData(10, 12, "a method other than deflate")]
    [InlineData(20, 200, "are not possible")]
    [InlineData(42, 7, "it should begin at byte 7 and does not")]
    [InlineData(0, 0, "entry 2 of the directory is damaged")]
    public void A_damaged_entry_is_refused(int offset, byte value, string problem) =>
        Refused(Changed(file => file[Find(file, "PK\x01\x02"u8, 2) + offset] = value), problem);

    [Fact]
    public void An_archive_without_its_end_is_refused()
    {
        Refused(Sample[..^1], "the archive has no end");
        Refused([(byte)'P', (byte)'K', 3, 4], "the archive has no end");
    }

    [Fact]
    public void A_bomb_is_refused_before_it_is_unpacked()
    {
        byte[] bomb = TorchFile.Zip(TorchFile.SampleState(), [("0", new byte[100 << 20])], level: CompressionLevel.Optimal);
        Assert.InRange(bomb.Length, 0, 1 << 20);
        long before = GC.GetAllocatedBytesForCurrentThread();
        ModelFormatException e = Assert.Throws<ModelFormatException>(() => WeightFile.Load(bomb, "bomb"));
        Assert.Contains("unpacking the weights takes more than", e.Message, StringComparison.Ordinal);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Theory]
    [InlineData(-1, "unpacks to more than")]
    [InlineData(1, "does not unpack to")]
    public void A_false_unpacked_size_is_refused(int difference, string problem)
    {
        byte[] file = TorchFile.Zip("pickle"u8.ToArray(), [("0", new byte[1000])], level: CompressionLevel.Optimal);
        Span<byte> size = file.AsSpan(Find(file, "PK\x01\x02"u8, 2) + 24);
        BinaryPrimitives.WriteInt32LittleEndian(size, 1000 + difference);
        Refused(file, problem);
    }

    /// <summary>One stored entry 'a' whose sizes and place stand in 64-bit fields, as torch.save writes archives above 4 GB.</summary>
    private static byte[] Zip64(ReadOnlySpan<byte> contents)
    {
        List<byte> file = [];
        file.AddRange("PK\x03\x04"u8);
        file.AddRange(new byte[22]);
        file.AddRange(Numbers16(1, 0));
        file.AddRange("a"u8);
        file.AddRange(contents);
        int directory = file.Count;
        file.AddRange("PK\x01\x02"u8);
        file.AddRange(new byte[12]);
        file.AddRange(BitConverter.GetBytes(Crc32.HashToUInt32(contents)));
        file.AddRange(BitConverter.GetBytes(uint.MaxValue));
        file.AddRange(BitConverter.GetBytes(uint.MaxValue));
        file.AddRange(Numbers16(1, 5 + 28, 0, 0, 0, 0, 0));
        file.AddRange(BitConverter.GetBytes(uint.MaxValue));
        file.AddRange("a"u8);
        file.AddRange(Numbers16(9, 1));
        file.AddRange("x"u8);
        file.AddRange(Numbers16(1, 24));
        file.AddRange(Numbers64(contents.Length, contents.Length, 0));
        int end = file.Count;
        file.AddRange("PK\x06\x06"u8);
        file.AddRange(Numbers64(44, 0));
        file.AddRange(new byte[4]);
        file.AddRange(Numbers64(1, 1, end - directory, directory));
        file.AddRange("PK\x06\x07"u8);
        file.AddRange(new byte[4]);
        file.AddRange(Numbers64(end));
        file.AddRange(new byte[4]);
        file.AddRange("PK\x05\x06"u8);
        file.AddRange(new byte[4]);
        file.AddRange(Encoding.Latin1.GetBytes(new string('\u00ff', 12)));
        file.AddRange(new byte[2]);
        return [.. file];
    }

    private static byte[] Numbers16(params ReadOnlySpan<ushort> numbers) => TorchFile.Bytes(numbers);

    private static byte[] Numbers64(params ReadOnlySpan<long> numbers) => TorchFile.Bytes(numbers);
}
