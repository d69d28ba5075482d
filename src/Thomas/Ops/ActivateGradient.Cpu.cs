using System;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Activations;
using Thomas.Kernels.Copy;
using Thomas.Kernels.Elementwise;

namespace Thomas.Ops;

internal sealed partial class ActivateGradient
{
    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context)
    {
        ActivateAttributes a = (ActivateAttributes)node.Attributes;
        int count = node.Output.Shape.ElementCount;
        return a.Saved is { } grid ? new StepsKernel(a.Activation, grid, count) : new Kernel(a.Activation, count);
    }

    private sealed unsafe class Kernel(Activation activation, int count) : ElementwiseKernel(count)
    {
        private readonly ActivationFunction _function = activation.Function;
        private float* _saved;

        public override string Name => ElementwiseLoop.KernelName($"{activation.Kind.ToString().ToLowerInvariant()}gradient");

        public override void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads)
        {
            base.Bind(inputs, outputs, workspace, threads);
            _saved = (float*)inputs[1];
        }

        protected override void RunElements(int begin, int count) => _function.ApplyGradient(X + begin, _saved + begin, Y + begin, count);
    }

    /// <summary>Reads a saved tensor in steps, piece by piece.</summary>
    private sealed unsafe class StepsKernel(Activation activation, StepGrid grid, int count) : CpuKernel
    {
        private const int Piece = ElementwiseKernel.Piece;

        private readonly ActivationFunction _function = activation.Function;
        private float* _dy;
        private KeptFloats _saved;
        private float* _dx;
        private float* _widened;

        public override string Name => ElementwiseLoop.KernelName($"{activation.Kind.ToString().ToLowerInvariant()}gradient");

        public override bool ReadsFloats(int input) => input == 0;

        public override long WorkspaceBytes(int threads) => (long)threads * Piece * sizeof(float);

        public override void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads)
        {
            _dy = (float*)inputs[0];
            _saved = new KeptFloats((byte*)inputs[1], grid.Operand);
            _dx = (float*)outputs[0];
            _widened = (float*)workspace;
        }

        public override int Items(int phase) => (count + Piece - 1) / Piece;

        public override void Run(int phase, int begin, int end, int thread)
        {
            float* widened = _widened + ((nint)thread * Piece);
            for (int item = begin; item < end; item++)
            {
                int first = item * Piece, length = Math.Min(Piece, count - first);
                _saved.Widen(first, widened, length);
                _function.ApplyGradient(_dy + first, widened, _dx + first, length);
            }
        }
    }
}
