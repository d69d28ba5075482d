using System;
using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace Thomas.Training;

/// <summary>Feature rows, standardized.</summary>
/// <param name="matrix">The rows.</param>
/// <param name="scaler">The standardization.</param>
/// <param name="last">A further number of each row, as it is; null for none.</param>
internal sealed class FeatureSamples(FeatureMatrix matrix, FeatureScaler scaler, float[]? last = null) : SampleSource
{
    public override int Count => matrix.Samples;

    public override int Views => matrix.Views;

    public override int InputLength => matrix.Features + (last is null ? 0 : 1);

    public override int Label(int sample) => matrix.Labels[sample];

    public override SampleReader Open() => new Reader(matrix, scaler, last);

    public override void AppendTo(XxHash128 hash)
    {
        for (int view = 0; view < Views; view++)
        {
            for (int sample = 0; sample < Count; sample++) hash.Append(MemoryMarshal.AsBytes(matrix.Row(sample, view)));
        }

        hash.Append(MemoryMarshal.AsBytes(matrix.Labels));
        if (last is not null) hash.Append(MemoryMarshal.AsBytes<float>(last));
    }

    private sealed class Reader(FeatureMatrix matrix, FeatureScaler scaler, float[]? last) : SampleReader
    {
        public override void Read(int sample, int view, Rng rng, Span<float> input)
        {
            scaler.Apply(matrix.Row(sample, view), input);
            if (last is not null) input[^1] = last[(view * matrix.Samples) + sample];
        }
    }
}
