using System;
using System.Collections.Generic;
using Thomas.Kernels.Activations;

namespace Thomas.Formats.Onnx;

/// <summary>How .onnx files hold activations: as an operator or several, or as a setting of ONNX Runtime's fused operators, which is read only.</summary>
internal static class OnnxActivations
{
    // One line for each kind: operators that make y of x. A kind without a line is refused.
    private static readonly Dictionary<ActivationKind, Action<OnnxEmitter, Activation, string, string>> Writers = new()
    {
        [ActivationKind.None] = static (graph, _, x, y) => graph.Add("Identity", [x], y),
        [ActivationKind.Relu] = static (graph, _, x, y) => graph.Add("Relu", [x], y),
        [ActivationKind.Relu6] = static (graph, _, x, y) => graph.EmitClip(x, y, 0, 6),
        [ActivationKind.Clip] = static (graph, f, x, y) => graph.EmitClip(x, y, f.A, f.B),
        [ActivationKind.LeakyRelu] = static (graph, f, x, y) => graph.Add("LeakyRelu", [x], y, OnnxEmitter.Float("alpha", f.A)),
        [ActivationKind.Sigmoid] = static (graph, _, x, y) => graph.Add("Sigmoid", [x], y),
        [ActivationKind.HardSigmoid] = static (graph, f, x, y) => graph.Add(
            "HardSigmoid", [x], y, OnnxEmitter.Float("alpha", f.A), OnnxEmitter.Float("beta", f.B)),
        [ActivationKind.HardSwish] = static (graph, _, x, y) => graph.Add("HardSwish", [x], y),
        [ActivationKind.Silu] = static (graph, _, x, y) => graph.Add("Mul", [x, graph.Add("Sigmoid", [x], graph.Unique($"{y}/sigmoid"))], y),
        [ActivationKind.Tanh] = static (graph, _, x, y) => graph.Add("Tanh", [x], y),
        [ActivationKind.Mish] = static (graph, _, x, y) => WriteMish(graph, x, y),
    };

    // Settings of FusedConv and FusedGemm. Their parameters are a list in activation_params or attributes of their own.
    private static readonly Dictionary<string, Func<OnnxNode, Activation>> Fused = new(StringComparer.Ordinal)
    {
        ["Relu"] = static _ => Activation.Relu,
        ["Tanh"] = static _ => new Activation(ActivationKind.Tanh),
        ["Sigmoid"] = static _ => new Activation(ActivationKind.Sigmoid),
        ["LeakyRelu"] = static n => new Activation(ActivationKind.LeakyRelu, Parameter(n, 0, "activation_alpha", 0.01f)),
        ["Clip"] = static n => Activation.Clip(
            Parameter(n, 0, "activation_min", float.NegativeInfinity), Parameter(n, 1, "activation_max", float.PositiveInfinity)),
        ["HardSigmoid"] = static n => new Activation(
            ActivationKind.HardSigmoid, Parameter(n, 0, "activation_alpha", 0.2f), Parameter(n, 1, "activation_beta", 0.5f)),
        ["HardSwish"] = static _ => new Activation(ActivationKind.HardSwish),
    };

    /// <summary>The operators that are an activation; Clip and Swish, which are not always one, are in <see cref="OnnxImporter.Operators"/>.</summary>
    public static Dictionary<string, Func<OnnxImporter, OnnxNode, Operand>> Imports { get; } = new(StringComparer.Ordinal)
    {
        ["HardSigmoid"] = static (i, n) => i.ApplyActivation(n, new Activation(ActivationKind.HardSigmoid, n.Float("alpha", 0.2f), n.Float("beta", 0.5f))),
        ["HardSwish"] = static (i, n) => i.ApplyActivation(n, new Activation(ActivationKind.HardSwish)),
        ["LeakyRelu"] = static (i, n) => i.ApplyActivation(n, new Activation(ActivationKind.LeakyRelu, n.Float("alpha", 0.01f))),
        ["Mish"] = static (i, n) => i.ApplyActivation(n, new Activation(ActivationKind.Mish)),
        ["Relu"] = static (i, n) => i.ApplyActivation(n, Activation.Relu),
        ["Sigmoid"] = static (i, n) => i.ApplyActivation(n, new Activation(ActivationKind.Sigmoid)),
        ["Tanh"] = static (i, n) => i.ApplyActivation(n, new Activation(ActivationKind.Tanh)),
    };

    /// <summary>The activation that a fused operator names; null for one that is not read.</summary>
    public static Activation? OfFused(OnnxNode node, string name) => Fused.TryGetValue(name, out Func<OnnxNode, Activation>? read) ? read(node) : null;

    /// <summary>Adds operators that apply an activation to x and name the result y.</summary>
    /// <exception cref="ThomasException">This kind is not written.</exception>
    public static void Write(OnnxEmitter graph, Activation activation, string x, string y)
    {
        if (!Writers.TryGetValue(activation.Kind, out Action<OnnxEmitter, Activation, string, string>? write))
        {
            throw new ThomasException($"The activation {activation.Kind} cannot be written as .onnx.");
        }

        write(graph, activation, x, y);
    }

    /// <summary>x * tanh(softplus(x)); an operator Mish came with set 18.</summary>
    private static void WriteMish(OnnxEmitter graph, string x, string y)
    {
        string softplus = graph.Add("Softplus", [x], graph.Unique($"{y}/softplus"));
        graph.Add("Mul", [x, graph.Add("Tanh", [softplus], graph.Unique($"{y}/tanh"))], y);
    }

    private static float Parameter(OnnxNode node, int index, string name, float otherwise)
    {
        float[] given = node.Floats("activation_params") ?? [];
        return index < given.Length ? given[index] : node.Float(name, otherwise);
    }
}
