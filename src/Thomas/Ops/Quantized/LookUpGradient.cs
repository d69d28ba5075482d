using System;
using Thomas.Graphs;
using Thomas.Kernels;

namespace Thomas.Ops;

/// <summary>The gradient of a function of single steps. Operands: dy, and x in steps; the settings are those of <see cref="LookUp"/>, with slopes.</summary>
internal sealed partial class LookUpGradient : Op
{
    /// <inheritdoc/>
    public override string Name => "LookUpGradient";

    /// <inheritdoc/>
    public override string Formula => "dx[i] = dy[i] * slopes[x[i]]";

    internal override bool IsTrainingOnly => true;

    internal override string NoGradientReason => "it is a gradient itself, and training needs first derivatives only";

    internal override ElementTypes OperandTypes(int operand, OpAttributes attributes) => operand == 1 ? QuantizedRules.Steps : ElementTypes.F32;

    internal override bool CanOverwrite(Node node, int input) => input == 0;

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        LookUpAttributes a = (LookUpAttributes)attributes;
        RequireInputs(inputs, 2);
        Require(inputs[0].Shape == inputs[1].Shape, $"dy {inputs[0].Shape} does not fit x {inputs[1].Shape}");
        Require(inputs[1].DType == a.Source, $"slopes of {a.Source} do not fit {inputs[1]}");
        Require(a.Slopes is { Count: LookUpAttributes.Length }, $"a table of slopes has {LookUpAttributes.Length} entries");
        return [inputs[0]];
    }

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        LookUpAttributes a = args.Attributes<LookUpAttributes>();
        ReadOnlySpan<T> dy = args.Inputs[0].Span, x = args.Inputs[1].Span;
        Span<T> dx = args.Output.Span;
        for (int i = 0; i < dx.Length; i++) dx[i] = dy[i] * T.CreateTruncating(a.Slope(int.CreateTruncating(x[i])));
    }

    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context) => new Kernel(node);

    private sealed unsafe class Kernel : CpuKernel
    {
        private const int Piece = 1 << 14;

        private readonly float[] _slopes = new float[LookUpAttributes.Length];
        private readonly long _count;
        private float* _dy;
        private byte* _x;
        private float* _dx;

        public Kernel(Node node)
        {
            LookUpAttributes a = (LookUpAttributes)node.Attributes;
            for (int i = 0; i < _slopes.Length; i++) _slopes[(byte)(a.First + i)] = a.Slope(a.First + i);
            _count = node.Output.Shape.ElementCount;
        }

        public override string Name => "f32_tablegradient";

        public override bool ReadsFloats(int input) => input == 0;

        public override void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads)
        {
            _dy = (float*)inputs[0];
            _x = (byte*)inputs[1];
            _dx = (float*)outputs[0];
        }

        public override int Items(int phase) => (int)((_count + Piece - 1) / Piece);

        public override void Run(int phase, int begin, int end, int thread)
        {
            nint first = (nint)begin * Piece, last = (nint)Math.Min((long)end * Piece, _count);
            fixed (float* slopes = _slopes)
            {
                for (nint i = first; i < last; i++) _dx[i] = _dy[i] * slopes[_x[i]];
            }
        }
    }
}
