using System;
using System.Collections.Generic;
using Thomas.Data;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Runtime;

namespace Thomas;

/// <summary>One class of a classification.</summary>
/// <param name="Index">Position among the model's outputs.</param>
/// <param name="Label">The class's name, or its index as text where the model has no labels.</param>
/// <param name="Probability">Softmax over all classes, 0 to 1.</param>
/// <param name="Score">The model's own output: a logit, or the probability where the model ends in softmax.</param>
public readonly record struct ClassScore(int Index, string Label, float Probability, float Score);

/// <summary>Classifies pictures with a compiled model. Not for use by several threads at once; frees its memory on disposal.</summary>
public sealed class ImageClassifier : IDisposable
{
    private readonly Executable _executable;
    private readonly Preprocessor _preprocessor;
    private readonly bool _isProbability;

    /// <summary>Compiles a model for one picture at a time.</summary>
    /// <param name="model">The model.</param>
    /// <param name="preprocessing">Overrides what the model says.</param>
    /// <param name="options">Device and threads.</param>
    /// <param name="batch">Pictures per run.</param>
    /// <exception cref="ThomasException">The model is no picture classifier, or its weights are damaged.</exception>
    public ImageClassifier(Model model, Preprocessing? preprocessing = null, CompileOptions? options = null, int batch = 1)
    {
        Input = PictureInput.Of(model, preprocessing);
        ModelChecks.RequireFinite(model);
        Classes = ClassCount(model);
        Labels = LabelsOf(model, Classes);
        Batch = batch;
        _preprocessor = new Preprocessor(Input.Preprocessing);
        _isProbability = EndsInSoftmax(model.Graph);
        _executable = Executable.Compile(model.Graph, batch, options);
    }

    /// <summary>The preprocessing in use and where it comes from.</summary>
    public PictureInput Input { get; }

    /// <summary>Number of classes.</summary>
    public int Classes { get; }

    /// <summary>Class names, one per output.</summary>
    public IReadOnlyList<string> Labels { get; }

    /// <summary>Pictures per run.</summary>
    public int Batch { get; }

    /// <summary>The compiled graph.</summary>
    public Executable Executable => _executable;

    /// <summary>Classifies one picture and returns the best classes, best first; equal scores keep the order of the classes.</summary>
    public IReadOnlyList<ClassScore> Classify(RgbImage image, int top = 5)
    {
        _preprocessor.Run(image, _executable.Input()[.._preprocessor.InputLength]);
        _executable.Run();
        return Top(Scores(0), top);
    }

    /// <summary>Classifies an encoded picture.</summary>
    /// <exception cref="ImageFormatException">The picture cannot be decoded.</exception>
    public IReadOnlyList<ClassScore> Classify(IImageDecoder decoder, ReadOnlyMemory<byte> encoded, int top = 5) =>
        Classify(decoder.Decode(encoded, _preprocessor.MinimumShortSide), top);

    /// <summary>The inputs of the next run: normalized pictures, NHWC, one after the other.</summary>
    public Span<float> Pictures => _executable.Input();

    /// <summary>Runs the pictures that <see cref="Pictures"/> holds.</summary>
    public void Run() => _executable.Run();

    /// <summary>The model's outputs for one picture of the batch, valid until the next run.</summary>
    public ReadOnlySpan<float> Scores(int picture) => _executable.Output().Slice(picture * Classes, Classes);

    /// <inheritdoc/>
    public void Dispose() => _executable.Dispose();

    /// <summary>The number of classes of a model: what its first output holds for one picture.</summary>
    /// <exception cref="ThomasException">There are no outputs per picture, or fewer or more labels than outputs.</exception>
    internal static int ClassCount(Model model)
    {
        int classes = model.Graph.Outputs[0].Shape.ElementCount;
        if (classes < 1) throw new ThomasException($"{model.Info.Name}: output '{model.Graph.Outputs[0].Name}' is empty.");
        return classes;
    }

    /// <summary>The labels, or numbers where the model has none.</summary>
    internal static IReadOnlyList<string> LabelsOf(Model model, int classes)
    {
        if (model.Info.Labels is IReadOnlyList<string> labels)
        {
            if (labels.Count != classes) throw new ThomasException($"{model.Info.Name}: there are {labels.Count} labels for {classes} outputs; give a label file that fits.");
            return labels;
        }

        string[] numbers = new string[classes];
        for (int i = 0; i < classes; i++) numbers[i] = i.ToString(System.Globalization.CultureInfo.InvariantCulture);
        return numbers;
    }

    /// <summary>Whether the first output is a softmax, seen through nodes that only move or round its elements.</summary>
    internal static bool EndsInSoftmax(Graph graph)
    {
        Value value = graph.Outputs[0];
        while (value.Producer is Node node)
        {
            if (node.Op is Softmax) return !((SoftmaxAttributes)node.Attributes).Logarithm;
            if (node.Op is not (Reshape or Transpose or FakeQuantize)) return false;
            value = node.Inputs[0];
        }

        return false;
    }

    private ClassScore[] Top(ReadOnlySpan<float> scores, int top)
    {
        double max = double.NegativeInfinity, sum = 0;
        foreach (float score in scores) max = Math.Max(max, score);
        foreach (float score in scores) sum += Math.Exp(score - max);

        int[] order = new int[scores.Length];
        float[] keys = new float[scores.Length];
        for (int i = 0; i < order.Length; i++)
        {
            order[i] = i;
            keys[i] = scores[i];
        }

        Array.Sort(order, (a, b) => keys[b].CompareTo(keys[a]) is int c && c != 0 ? c : a.CompareTo(b));
        ClassScore[] best = new ClassScore[Math.Clamp(top, 0, order.Length)];
        for (int i = 0; i < best.Length; i++)
        {
            float score = keys[order[i]];
            best[i] = new ClassScore(order[i], Labels[order[i]], _isProbability ? score : (float)(Math.Exp(score - max) / sum), score);
        }

        return best;
    }
}
