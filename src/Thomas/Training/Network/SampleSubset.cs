using System;
using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace Thomas.Training;

/// <summary>Some of the samples of another source, in their own order, as they are.</summary>
/// <param name="all">The samples.</param>
/// <param name="chosen">Their numbers.</param>
internal sealed class SampleSubset(SampleSource all, int[] chosen) : SampleSource
{
    public override int Count => chosen.Length;

    public override int Views => 1;

    public override int InputLength => all.InputLength;

    public override (int Width, int Height, int Channels) ImageSize => all.ImageSize;

    public override int Label(int sample) => all.Label(chosen[sample]);

    public override SampleReader Open() => new Reader(all.Open(), chosen);

    public override void AppendTo(XxHash128 hash)
    {
        all.AppendTo(hash);
        hash.Append(MemoryMarshal.AsBytes<int>(chosen));
    }

    private sealed class Reader(SampleReader all, int[] chosen) : SampleReader
    {
        public override void Read(int sample, int view, Rng rng, Span<float> input) => all.Read(chosen[sample], 0, rng, input);
    }
}
