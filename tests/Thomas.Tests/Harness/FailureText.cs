using System.Runtime.CompilerServices;

namespace Thomas.Tests.Harness;

/// <summary>The text of a failure, which is made only when there is one: in loops over elements, making texts took most of the time.</summary>
[InterpolatedStringHandler]
internal ref struct FailureText
{
    private DefaultInterpolatedStringHandler _text;

    /// <summary>The text of <see cref="Expect"/>.</summary>
    public FailureText(int literalLength, int formattedCount, bool condition, out bool isWanted)
        : this(literalLength, formattedCount, isWanted = !condition)
    {
    }

    /// <summary>The text of <see cref="Tolerance.Check"/>.</summary>
    public FailureText(int literalLength, int formattedCount, float actual, double expected, double bound, out bool isWanted)
        : this(literalLength, formattedCount, isWanted = !Tolerance.Holds(actual, expected, bound))
    {
    }

    private FailureText(int literalLength, int formattedCount, bool isWanted)
    {
        IsWanted = isWanted;
        if (isWanted) _text = new DefaultInterpolatedStringHandler(literalLength, formattedCount);
    }

    /// <summary>Whether the test fails.</summary>
    public bool IsWanted { get; }

    public void AppendLiteral(string value) => _text.AppendLiteral(value);

    public void AppendFormatted<T>(T value) => _text.AppendFormatted(value);

    public void AppendFormatted<T>(T value, string? format) => _text.AppendFormatted(value, format);

    public override string ToString() => IsWanted ? _text.ToString() : "";
}
