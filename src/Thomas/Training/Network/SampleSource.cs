using System;
using System.Collections.Generic;
using System.IO.Hashing;

namespace Thomas.Training;

/// <summary>What a network is trained on or validated with: inputs of one image each, with the output that is right for it.</summary>
internal abstract class SampleSource
{
    /// <summary>Number of samples.</summary>
    public abstract int Count { get; }

    /// <summary>Prepared views of each sample.</summary>
    public abstract int Views { get; }

    /// <summary>Numbers of an input.</summary>
    public abstract int InputLength { get; }

    /// <summary>Width, height and channels of an input; 0, 0, 0 where it is no image.</summary>
    public virtual (int Width, int Height, int Channels) ImageSize => default;

    /// <summary>What happened to the samples while they were prepared and used, for the log.</summary>
    public virtual IReadOnlyList<string> Notices => [];

    /// <summary>The model's output for a sample.</summary>
    public abstract int Label(int sample);

    /// <summary>A reader for one thread.</summary>
    public abstract SampleReader Open();

    /// <summary>Adds all that training on these samples depends on.</summary>
    public abstract void AppendTo(XxHash128 hash);
}

/// <summary>Reads samples, for one thread. Warm, it allocates nothing.</summary>
internal abstract class SampleReader
{
    /// <summary>Writes the input of a sample.</summary>
    /// <param name="sample">Its number.</param>
    /// <param name="view">Which of its views.</param>
    /// <param name="rng">Source of what is random about it.</param>
    /// <param name="input">Receives the numbers.</param>
    public abstract void Read(int sample, int view, Rng rng, Span<float> input);
}
