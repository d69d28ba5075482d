using System;
using Thomas.Graphs;

namespace Thomas.Training;

/// <summary>Tells images of other things from those of a model's classes, by the feature vectors and the threshold that the model carries.</summary>
internal sealed class UnknownDetector
{
    private readonly Familiarity _familiarity;
    private readonly int _numbers;

    private UnknownDetector(Rehearsal rehearsal, float threshold, Graph graph, int numbers) =>
        (_familiarity, Threshold, Graph, _numbers) = (new Familiarity(rehearsal), threshold, graph, numbers);

    /// <summary>From the image to the numbers of the class output, followed by the features.</summary>
    public Graph Graph { get; }

    /// <summary>The similarity below which an image is unknown.</summary>
    public float Threshold { get; }

    /// <summary>The detector of a model; null where it carries no threshold, or where what it carries does not fit its network.</summary>
    public static UnknownDetector? Of(Model model)
    {
        if (model.Info.Rehearsal is not { Threshold: float threshold } rehearsal) return null;
        try
        {
            HeadSplit split = HeadSplit.Find(model);
            if (split.Head is not LinearHead head || !RehearsalChoice.Fits(rehearsal, head)) return null;
            int numbers = ClassOutput.Find(model).Numbers;
            Graph graph = split.ScoresAndFeatures();
            return graph.Outputs[0].Shape.ElementCount == numbers + head.Features ? new UnknownDetector(rehearsal, threshold, graph, numbers) : null;
        }
        catch (Exception e) when (e is ThomasException or GraphException)
        {
            return null;
        }
    }

    /// <summary>The similarity of an image.</summary>
    /// <param name="output">What <see cref="Graph"/> computes for it.</param>
    public float Similarity(ReadOnlySpan<float> output) => _familiarity.Of(output[_numbers..]);
}
