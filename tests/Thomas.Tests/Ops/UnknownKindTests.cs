using System;
using System.Diagnostics;
using Thomas.Autodiff;
using Thomas.Formats;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Pool;
using Thomas.Kernels.Reduce;
using Thomas.Ops;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Ops;

/// <summary>A member that an enumeration does not have, as one that was added without its code, is refused and never taken for another one.</summary>
public sealed class UnknownKindTests
{
    private const int Unknown = 1000;

    [Fact]
    public void A_reduction_is_refused_when_it_is_added()
    {
        GraphBuilder b = new();
        Value x = b.Input("x", new TensorType(DType.F32, new Shape(2, 3)));
        GraphException e = Assert.Throws<GraphException>(
            () => b.Add(OpCatalog.Reduce, [x], new ReduceAttributes((ReduceKind)Unknown, new IntList(1), KeepDims: false)));
        Assert.Contains("there is no reduction 1000", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public unsafe void Kernels_do_not_take_it_for_another()
    {
        float x = 1;
        nint at = (nint)(&x);
        Assert.Throws<UnreachableException>(() => Reduction.Row((ReductionKind)Unknown, (float*)at, 1));
        Assert.Throws<UnreachableException>(() => Reduction.KernelName((ReductionKind)Unknown));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Pooling(new ConvGeometry(1, 2, 2, 1, 1, 1, 1, 2, 2, 1, 1), (PoolingKind)Unknown));
    }

    [Fact]
    public void An_element_type_has_no_size_by_default()
    {
        Assert.Throws<UnreachableException>(() => ((DType)Unknown).SizeBytes());
        Assert.Throws<UnreachableException>(() => ((StoredType)Unknown).SizeBytes());
        Assert.Throws<UnreachableException>(() => ((StoredType)Unknown).Same());
        Assert.All(Enum.GetValues<DType>(), static type => Assert.True(type.SizeBytes() > 0));
        Assert.All(Enum.GetValues<StoredType>(), static type => Assert.True(type.SizeBytes() > 0));
    }

    [Fact]
    public void An_optimizer_has_no_rate_or_update_by_default()
    {
        OptimizerKind unknown = (OptimizerKind)Unknown;
        Assert.Throws<UnreachableException>(() => new TrainerOptions { Optimizer = new OptimizerOptions { Kind = unknown } }.ForFeatures(10));
        Assert.Throws<UnreachableException>(() => new OptimizerOptions { Kind = unknown }.DecidedWeightDecay);
        Assert.Throws<UnreachableException>(() => new OptimizerOptions { Kind = unknown }.Op);
        Assert.Throws<UnreachableException>(() => new TrainerOptions { Optimizer = new OptimizerOptions { Kind = unknown } }.AutomaticBodyRate());
        foreach (OptimizerKind kind in Enum.GetValues<OptimizerKind>())
        {
            foreach (UpdateKind policy in Enum.GetValues<UpdateKind>())
                Assert.InRange(
                    new TrainerOptions { Policy = new UpdatePolicy(policy), Optimizer = new OptimizerOptions { Kind = kind } }.AutomaticBodyRate(), 0.1f, 1);
        }
    }
}
