using Thomas.Data.Handwriting;
using Thomas.Runtime;

namespace Thomas.App.Demo;

/// <summary>How large the demonstration is. Nothing in it is chosen by the test images.</summary>
internal sealed record DemoSettings
{
    /// <summary>Digits that the network learns first.</summary>
    public int TrainingDigits { get; init; } = 20_000;

    /// <summary>Digits that nothing is chosen by.</summary>
    public int TestDigits { get; init; } = 2_000;

    /// <summary>Passes over the training digits; the last one's weights are kept.</summary>
    public int DigitEpochs { get; init; } = 3;

    /// <summary>Letters to tune with.</summary>
    public int TuningLetters { get; init; } = 128;

    /// <summary>Letters that nothing is chosen by.</summary>
    public int TestLetters { get; init; } = 2_000;

    /// <summary>Passes over the tuning letters, the same number for each policy; the last one's weights are kept.</summary>
    public int LetterEpochs { get; init; } = 40;

    /// <summary>Images of a step.</summary>
    public int BatchSize { get; init; } = 32;

    /// <summary>Decides images, weights and order.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Device and threads.</summary>
    public CompileOptions Compile { get; init; } = new();

    /// <summary>Steps of each tuning.</summary>
    public int LetterSteps => LetterEpochs * ((TuningLetters + BatchSize - 1) / BatchSize);

    /// <summary>The same with small sets and few steps: it shows that everything works, not how well.</summary>
    public DemoSettings Quick() => this with { TrainingDigits = 1_500, TestDigits = 500, DigitEpochs = 2, TestLetters = 500, LetterEpochs = 15 };

    public HandwrittenSet DrawTrainingDigits() => Draw(HandwrittenSet.Digits, TrainingDigits, 0);

    public HandwrittenSet DrawTestDigits() => Draw(HandwrittenSet.Digits, TestDigits, 1);

    public HandwrittenSet DrawTuningLetters() => Draw(HandwrittenSet.Letters, TuningLetters, 2);

    public HandwrittenSet DrawTestLetters() => Draw(HandwrittenSet.Letters, TestLetters, 3);

    // Each set has a seed of its own, and no two seeds of the demonstration share one.
    private HandwrittenSet Draw(string characters, int count, ulong set) => HandwrittenSet.Create(characters, count, unchecked((Seed * 4) + set));
}
