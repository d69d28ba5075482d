using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Passes;

namespace Thomas.Autodiff;

/// <summary>
/// Says what is done with the gradient of a parameter once it is complete, and returns what the graph is to hand out: the updated variables, or the gradient.
/// </summary>
/// <param name="rewriter">The graph under construction; it maps values of the forward graph.</param>
/// <param name="parameter">The trained variable.</param>
/// <param name="gradient">dL/d(parameter).</param>
internal delegate IReadOnlyList<Value> GradientUse(GraphRewriter rewriter, Variable parameter, Value gradient);

/// <summary>
/// Reverse-mode differentiation as a graph rewrite (Griewank and Walther 2008, chapter 3): the forward nodes, then, from the last to the first, the nodes that
/// each operator's rule emits. Only values between a trained parameter and the loss get gradients.
/// </summary>
internal sealed class Differentiate
{
    private readonly Dictionary<Value, Value> _gradients = [];
    private readonly HashSet<Value> _needed = [];
    private readonly Dictionary<Value, int> _pending = [];
    private readonly List<Value> _results = [];
    private readonly List<(Variable Parameter, Value Gradient)> _waiting = [];
    private readonly GradientUse _use;
    private readonly bool _immediate;
    private readonly GraphRewriter _rewriter;
    private readonly GraphBuilder _builder;
    private readonly List<Node> _nodes = [];

    private Differentiate(Graph source, GradientUse use, bool immediate)
    {
        _use = use;
        _immediate = immediate;
        _rewriter = new GraphRewriter(source);
        foreach (Node node in source.Nodes) _nodes.Add(_rewriter.Copy(node));
        foreach (Value output in source.Outputs) _results.Add(_rewriter.Map(output));
        _builder = _rewriter.Builder;
    }

    /// <summary>Adds the backward pass to a graph whose first output is the loss, of one element.</summary>
    /// <param name="forward">The graph; its variables are candidates for training.</param>
    /// <param name="trained">The variables whose gradients are wanted.</param>
    /// <param name="use">What to do with each gradient.</param>
    /// <param name="immediate">
    /// Whether a gradient is used as soon as it is complete, so that its memory is free again before the next; else after the whole backward pass. No result
    /// depends on it.
    /// </param>
    /// <returns>A graph with the old outputs first and then what <paramref name="use"/> returned, in the order of use.</returns>
    /// <exception cref="GraphException">A node on the way from a trained variable to the loss cannot be trained through; the message names it.</exception>
    public static Graph Run(Graph forward, IReadOnlyCollection<Variable> trained, GradientUse use, bool immediate = true) =>
        new Differentiate(forward, use, immediate).Run(trained);

    private Graph Run(IReadOnlyCollection<Variable> trained)
    {
        Value loss = _results[0];
        if (loss.Shape.ElementCount != 1) throw new GraphException($"The loss {loss} must be a single number.");
        HashSet<Variable> parameters = [.. trained];
        foreach (Node node in _nodes) FindNeeded(node, parameters);
        if (_needed.Contains(loss))
        {
            _builder.Stage = Stage.Backward;
            float[] one = [1];
            AddGradient(loss, _builder.Constant("loss/gradient", TensorData.FromFloats(loss.Shape, one)));
            for (int i = _nodes.Count - 1; i >= 0; i--) Visit(_nodes[i]);
            foreach ((Variable parameter, Value gradient) in _waiting) Use(parameter, gradient);
        }

        _builder.Stage = Stage.Forward;
        Graph graph = _builder.Build([.. _results]);
#if DEBUG
        GraphVerifier.Verify(graph);
#endif
        return graph;
    }

    /// <summary>Marks what depends on a trained variable, and counts the readers of each of those.</summary>
    private void FindNeeded(Node node, HashSet<Variable> parameters)
    {
        bool needed = false;
        foreach (Value input in node.Inputs)
        {
            if (input.Variable is Variable variable && parameters.Contains(variable))
            {
                _needed.Add(input);
                _pending[input] = _pending.GetValueOrDefault(input) + 1;
            }

            needed |= _needed.Contains(input);
        }

        if (!needed || node.Op.HasZeroGradient) return;
        foreach (Value output in node.Outputs) _needed.Add(output);
    }

    private void Visit(Node node)
    {
        Value?[] gradOutputs = new Value?[node.Outputs.Count];
        bool any = false;
        for (int i = 0; i < gradOutputs.Length; i++)
        {
            if (_gradients.Remove(node.Outputs[i], out gradOutputs[i])) any = true;
        }

        if (any) node.Op.Gradient(new GradientContext(_builder, node, gradOutputs, _needed.Contains, AddGradient));

        // The rule has emitted all that reads the parameters of this node; a parameter that no earlier node reads can change now.
        foreach (Value input in node.Inputs)
        {
            if (!_pending.TryGetValue(input, out int readers)) continue;
            _pending[input] = readers - 1;
            if (readers > 1 || !_gradients.Remove(input, out Value? gradient)) continue;
            if (_immediate) Use(input.Variable!, gradient);
            else _waiting.Add((input.Variable!, gradient));
        }
    }

    private void Use(Variable parameter, Value gradient)
    {
        _builder.Stage = Stage.Update;
        _results.AddRange(_use(_rewriter, parameter, gradient));
        _builder.Stage = Stage.Backward;
    }

    private void AddGradient(Value value, Value gradient)
    {
        if (_gradients.TryGetValue(value, out Value? sum)) gradient = _builder.Add(OpCatalog.Add, [sum, gradient], name: $"{value.Name}/gradSum");
        _gradients[value] = gradient;
    }
}
