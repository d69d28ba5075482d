using System;
using System.Collections.Generic;
using Thomas.Formats.TfLite.Schema;
using Thomas.Formats.TfLite.Writing;
using Thomas.Kernels.Activations;
using Thomas.Ops;
using static Thomas.Formats.TfLite.Schema.BuiltinOperator;

namespace Thomas.Formats.TfLite;

/// <summary>How .tflite files hold activations: as an option of the operator before, as an operator, or as several.</summary>
internal static class TfLiteActivations
{
    // One line for each kind: operators that apply it to a tensor. A kind without a line is refused.
    private static readonly Dictionary<ActivationKind, Func<GraphEmitter, int, Activation, int>> Writers = new()
    {
        [ActivationKind.None] = static (graph, x, _) => graph.Reshaped(x, graph.Dims(x)),
        [ActivationKind.Relu] = static (graph, x, _) => graph.Unary(RELU, x),
        [ActivationKind.Relu6] = static (graph, x, _) => graph.Unary(RELU6, x),
        [ActivationKind.Clip] = static (graph, x, f) => f is { A: -1, B: 1 } ? graph.Unary(RELU_N1_TO_1, x) : graph.Clipped(x, f.A, f.B),
        [ActivationKind.LeakyRelu] = static (graph, x, f) => graph.Call(
            LEAKY_RELU, [x], graph.Dims(x), new OptionsTable(BuiltinOptions.LeakyRelu).Float(0, f.A)),
        [ActivationKind.Sigmoid] = static (graph, x, _) => graph.Unary(LOGISTIC, x),
        [ActivationKind.HardSigmoid] = static (graph, x, f) => WriteHardSigmoid(graph, x, f),
        [ActivationKind.HardSwish] = static (graph, x, _) => graph.Unary(HARD_SWISH, x, BuiltinOptions.HardSwish),
        [ActivationKind.Silu] = static (graph, x, _) => graph.Binary(MUL, x, graph.Unary(LOGISTIC, x)),
        [ActivationKind.Tanh] = static (graph, x, _) => graph.Unary(TANH, x),
        [ActivationKind.Mish] = static (graph, x, _) => WriteMish(graph, x),
    };

    // What has kernels of integers, and whether these write to a grid: some insist on one, of which zero lies so many steps above the smallest number.
    private static readonly Dictionary<ActivationKind, Func<FakeQuantizeAttributes, bool>> IntegerKernels = new()
    {
        [ActivationKind.Relu] = static _ => true,
        [ActivationKind.Relu6] = static _ => true,
        [ActivationKind.LeakyRelu] = static _ => true,
        [ActivationKind.HardSwish] = static _ => true,
        [ActivationKind.Sigmoid] = static grid => IntegerPlan.IsGrid(grid, 1f / 256, 0),
        [ActivationKind.Tanh] = static grid => IntegerPlan.IsGrid(grid, 1f / 128, 128),
    };

    // Options of other operators; writers take the first that fits. TANH is read only: the runtime's kernels do not have it.
    private static readonly (FusedActivation Option, Activation Activation, bool IsWritten)[] Options =
    [
        (FusedActivation.NONE, Activation.None, true), (FusedActivation.RELU, Activation.Relu, true), (FusedActivation.RELU6, Activation.Relu6, true),
        (FusedActivation.RELU6, Activation.Clip(0, 6), true), (FusedActivation.RELU_N1_TO_1, Activation.Clip(-1, 1), true),
        (FusedActivation.TANH, new Activation(ActivationKind.Tanh), false),
    ];

    /// <summary>The operators that are an activation.</summary>
    public static Dictionary<BuiltinOperator, Action<TfLiteImporter, OperatorCall>> Imports { get; } = new()
    {
        [RELU] = static (importer, call) => importer.ImportActivation(call, Activation.Relu),
        [RELU6] = static (importer, call) => importer.ImportActivation(call, Activation.Relu6),
        [RELU_N1_TO_1] = static (importer, call) => importer.ImportActivation(call, Activation.Clip(-1, 1)),
        [RELU_0_TO_1] = static (importer, call) => importer.ImportActivation(call, Activation.Clip(0, 1)),
        [LEAKY_RELU] = static (importer, call) => importer.ImportActivation(call, new Activation(ActivationKind.LeakyRelu, call.Options.Float(0))),
        [LOGISTIC] = static (importer, call) => importer.ImportActivation(call, new Activation(ActivationKind.Sigmoid)),
        [TANH] = static (importer, call) => importer.ImportActivation(call, new Activation(ActivationKind.Tanh)),
        [HARD_SWISH] = static (importer, call) => importer.ImportActivation(call, new Activation(ActivationKind.HardSwish)),
    };

    /// <summary>What an option means; null for one that is not read.</summary>
    public static Activation? OfFused(FusedActivation option)
    {
        foreach ((FusedActivation known, Activation activation, _) in Options)
        {
            if (known == option) return activation;
        }

        return null;
    }

    /// <summary>An activation as an option of the operator before it; NONE where the kernels have no such option.</summary>
    public static FusedActivation ToFused(Activation activation)
    {
        foreach ((FusedActivation option, Activation known, bool isWritten) in Options)
        {
            if (isWritten && known == activation) return option;
        }

        return FusedActivation.NONE;
    }

    /// <summary>Whether a runtime applies the activation to 8-bit integers and gives some on this grid.</summary>
    public static bool ComputesIntegers(Activation activation, FakeQuantizeAttributes grid) =>
        IntegerKernels.TryGetValue(activation.Kind, out Func<FakeQuantizeAttributes, bool>? fits) && fits(grid);

    /// <summary>Adds operators that apply an activation to a tensor; gives the result.</summary>
    /// <exception cref="ThomasException">This kind is not written.</exception>
    public static int Write(GraphEmitter graph, int x, Activation activation) =>
        Writers.TryGetValue(activation.Kind, out Func<GraphEmitter, int, Activation, int>? write)
            ? write(graph, x, activation)
            : throw new ThomasException($"The activation {activation.Kind} cannot be written as .tflite.");

    /// <summary>x * n / (n + 2) with e = e^(min(x, 20)) and n = e * (e + 2), as the kernel computes it.</summary>
    private static int WriteMish(GraphEmitter graph, int x)
    {
        int two = graph.Scalar("two", 2), e = graph.Unary(EXP, graph.Binary(MINIMUM, x, graph.Scalar("saturated", 20)), BuiltinOptions.Exp),
            n = graph.Binary(MUL, e, graph.Binary(ADD, e, two));
        return graph.Binary(MUL, x, graph.Binary(DIV, n, graph.Binary(ADD, n, two)));
    }

    private static int WriteHardSigmoid(GraphEmitter graph, int x, Activation activation)
    {
        int scaled = graph.Binary(MUL, x, graph.Scalar("slope", activation.A)), shifted = graph.Binary(ADD, scaled, graph.Scalar("offset", activation.B));
        return graph.Clamped(shifted, graph.Scalar("min", 0), graph.Scalar("max", 1));
    }
}
