using System;
using Thomas.Graphs;

namespace Thomas.Ops;

/// <summary>Settings of <see cref="LookUp"/>.</summary>
/// <param name="Source">The type of x.</param>
/// <param name="Target">The type of the result.</param>
/// <param name="Table">The result for each of the 256 steps of x, from the type's smallest on.</param>
/// <param name="Function">What the table computes, for people.</param>
/// <param name="Slopes">Derivatives by real numbers, as the bits of float32, for each step of x; null where they are not known.</param>
internal sealed record LookUpAttributes(DType Source, DType Target, IntList Table, string Function, IntList? Slopes = null) : OpAttributes
{
    /// <summary>Results that an 8-bit operand can have.</summary>
    public const int Length = 256;

    /// <summary>The smallest number of the type of x.</summary>
    public int First => Source == DType.I8 ? sbyte.MinValue : 0;

    /// <summary>The derivative at a step.</summary>
    public float Slope(int step) => BitConverter.Int32BitsToSingle(Slopes!.Value[step - First]);

    /// <summary>
    /// The same with the derivative of a function of real numbers, straight through the rounding, 0 where its result is clipped: half a step or more beyond the
    /// grid.
    /// </summary>
    /// <param name="x">The grid of x.</param>
    /// <param name="y">The grid of the result.</param>
    /// <param name="f">The function and its derivative at a real number.</param>
    public LookUpAttributes WithSlopes(StepGrid x, StepGrid y, Func<float, (float Value, float Slope)> f)
    {
        int[] slopes = new int[Length];
        for (int i = 0; i < Length; i++)
        {
            (float value, float slope) = f(x.Real(First + i));
            float step = MathF.Round(value / y.Scale, MidpointRounding.ToEven) + y.ZeroPoint;
            slopes[i] = BitConverter.SingleToInt32Bits(step >= y.Minimum && step <= y.Maximum ? slope : 0);
        }

        return this with { Slopes = new IntList(slopes) };
    }

    /// <summary>The table of a function of the steps.</summary>
    public static LookUpAttributes Of(StepGrid x, StepGrid y, string function, Func<int, int> f)
    {
        int[] table = new int[Length];
        LookUpAttributes attributes = new(x.Type, y.Type, new IntList(table), function);
        for (int i = 0; i < Length; i++) table[i] = Math.Clamp(f(attributes.First + i), y.Minimum, y.Maximum);
        return attributes with { Table = new IntList(table) };
    }

    /// <inheritdoc/>
    public override string ToString() => $"{{ {Function}, {Source} to {Target} }}";
}

/// <summary>Any function of single elements of an 8-bit tensor: what it makes of each of the 256 numbers is worked out beforehand.</summary>
internal sealed partial class LookUp : Op
{
    /// <inheritdoc/>
    public override string Name => "LookUp";

    /// <inheritdoc/>
    public override string Formula => "y[i] = table[x[i]]";

    /// <inheritdoc/>
    internal override bool IsTrainingOnly => true;

    internal override ElementTypes OperandTypes(int operand, OpAttributes attributes) => QuantizedRules.Steps;

    internal override bool CanOverwrite(Node node, int input) => true;

    internal override void Gradient(GradientContext g)
    {
        LookUpAttributes a = g.Attributes<LookUpAttributes>();
        if (a.Slopes is null) throw new GraphException($"{g.Node}: the derivative of '{a.Function}' is not known");
        g.Add(0, g.Emit(OpCatalog.LookUpGradient, "gradInput", [g.GradOutput, g.Input(0)], a));
    }

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        LookUpAttributes a = (LookUpAttributes)attributes;
        RequireInputs(inputs, 1);
        Require(inputs[0].DType == a.Source, $"a table of {a.Source} does not fit {inputs[0]}");
        Require(a.Table.Count == LookUpAttributes.Length, $"a table has {LookUpAttributes.Length} entries, not {a.Table.Count}");
        Require(QuantizedRules.Steps.Contains(a.Source) && QuantizedRules.Steps.Contains(a.Target), $"{a.Source} to {a.Target} is not 8 bits to 8 bits");
        return [inputs[0] with { DType = a.Target }];
    }

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        LookUpAttributes a = args.Attributes<LookUpAttributes>();
        ReadOnlySpan<T> x = args.Inputs[0].Span;
        Span<T> y = args.Output.Span;
        for (int i = 0; i < y.Length; i++) y[i] = T.CreateTruncating(a.Table[int.CreateTruncating(x[i]) - a.First]);
    }
}
