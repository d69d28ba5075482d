using System;
using System.Globalization;
using System.Text.RegularExpressions;
using Thomas.Kernels.Activations;

namespace Thomas.Kernels.OpenCl;

/// <summary>An activation as macros: <c>ACT(x)</c> is its value, <c>SLOPE(x)</c> its derivative.</summary>
internal static partial class ActivationMacros
{
    /// <summary><c>ACT(x)</c>.</summary>
    public static (string Name, string Text) Value(Activation activation) => ("ACT(x)", $"({Expression(activation, activation.Function.OpenClValue)})");

    /// <summary><c>SLOPE(x)</c>, of the result or the argument as <see cref="Activation.GradientReadsOutput"/> says.</summary>
    public static (string Name, string Text) Derivative(Activation activation) =>
        ("SLOPE(x)", $"({Expression(activation, activation.Function.OpenClDerivative)})");

    /// <summary>An expression with the parameters' values, bit by bit.</summary>
    private static string Expression(Activation activation, string text) =>
        Parameter().Replace(text, match => Literal(match.ValueSpan[0] == 'A' ? activation.A : activation.B));

    private static string Literal(float value) =>
        string.Create(CultureInfo.InvariantCulture, $"as_float(0x{BitConverter.SingleToUInt32Bits(value):x8}u)");

    [GeneratedRegex(@"\b[AB]\b")]
    private static partial Regex Parameter();
}
