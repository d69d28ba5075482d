using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Passes;

namespace Thomas;

/// <summary>
/// Which of a model's outputs names the classes, and what its numbers mean: logits, probabilities that exclude one another (softmax), probabilities of their
/// own (several sigmoids), or a single number that tells two classes apart.
/// </summary>
public sealed class ClassOutput
{
    private readonly Model _model;
    private readonly ScoreRange _range;
    private readonly string? _problem;
    private readonly string _choice;
    private readonly string? _features;

    private ClassOutput(Model model, int index, Value scores, ScoreRange range, string? problem, string? warning, string choice)
    {
        (_model, Index, Scores, _range, _problem, Warning, _choice) = (model, index, scores, range, problem, warning, choice);
        Numbers = scores.Shape.ElementCount;
        Kind = range.IsLogarithm ? ScoreKind.LogProbability
            : range.IsSquashed && range.IsProbability ? ScoreKind.Probability
            : range is { IsShared: true, Sum: > 0, Low: >= 0 } ? ScoreKind.Bounded
            : range is { IsSquashed: true, IsShared: false, IsBounded: true } ? ScoreKind.Bounded
            : ScoreKind.Logit;
        IsIndependent = Numbers > 1 && !range.IsShared && Kind is ScoreKind.Probability or ScoreKind.Bounded;
        (Labels, LabelProblem) = LabelsFor(model, Numbers);
        if (Kind == ScoreKind.Logit && Numbers > 1 && model.Info.Labels is null) _features = FeatureEvidence.Of(scores);
    }

    /// <summary>Position among the model's outputs.</summary>
    public int Index { get; }

    /// <summary>The output's name.</summary>
    public string Name => _model.Graph.Outputs[Index].Name;

    /// <summary>Numbers that the output holds for one image.</summary>
    public int Numbers { get; }

    /// <summary>Number of classes: as many as numbers, but two for a single number.</summary>
    public int Classes => Numbers == 1 ? 2 : Numbers;

    /// <summary>What the numbers are.</summary>
    public ScoreKind Kind { get; }

    /// <summary>Whether a single number tells two classes apart: the higher it is, the more probable is class 1.</summary>
    public bool IsBinary => Numbers == 1;

    /// <summary>Whether each class has a probability of its own, so that several classes or none may be in an image (multi-label).</summary>
    public bool IsIndependent { get; }

    /// <summary>For a single number the value above which class 1 is more probable than class 0; else null.</summary>
    public double? Threshold => !IsBinary ? null : Kind switch
    {
        ScoreKind.Logit => 0,
        ScoreKind.LogProbability => Math.Log(0.5),
        ScoreKind.Probability or ScoreKind.Bounded => (_range.Low + _range.High) / 2,
        _ => throw new UnreachableException($"Unknown {Kind}."),
    };

    /// <summary>Class names, one for each class; numbers where the model has none.</summary>
    public IReadOnlyList<string> Labels { get; }

    /// <summary>What the output means, as a sentence.</summary>
    public string Description => Describe();

    /// <summary>What is suspicious about it; null if nothing is.</summary>
    public string? Warning { get; }

    /// <summary>Why it cannot be that of a classifier; null if it can.</summary>
    public string? Problem => _problem;

    /// <summary>Why the model's own labels do not fit; null if they do or there are none.</summary>
    public string? LabelProblem { get; }

    /// <summary>The value of the model's graph that is read.</summary>
    internal Value Scores { get; }

    /// <summary>Finds out what a classifier's output means.</summary>
    /// <param name="model">The model.</param>
    /// <exception cref="ThomasException">The output cannot be that of a classifier, or the model's labels do not fit it.</exception>
    public static ClassOutput Of(Model model)
    {
        ClassOutput output = Find(model);
        if (output._problem is not null) throw new ThomasException($"{model.Info.Name}: {output._problem}");
        if (output.LabelProblem is not null) throw new ThomasException($"{model.Info.Name}: {output.LabelProblem}");
        return output;
    }

    /// <summary>The same for models that may be unfit to classify (see <see cref="Problem"/>), but can still be described or tuned.</summary>
    /// <param name="model">The model.</param>
    public static ClassOutput Find(Model model)
    {
        ArgumentNullException.ThrowIfNull(model);
        (int index, string choice) = Choose(model.Graph, model.Info.Labels);
        Value scores = model.Graph.Outputs[index];
        string? warning = null, problem = null;
        if (!IsVector(scores.Shape))
        {
            problem =
                $"output '{scores.Name}' has shape {scores.Shape}, which is not one number per class; the model is not a classifier of whole images.";
        }
        else if (ScorePatterns.Behind(scores).Producer is { Op: Softmax } softmax && softmax.Output.Shape[-1] == 1)
        {
            if (scores.Shape.ElementCount == 1)
            {
                problem =
                    $"output '{scores.Name}' is a softmax over a single number, which is 1 for every image, so the model cannot distinguish classes. Its "
                    + $"last layer should have a sigmoid, or two outputs; tune it to get such a layer.";
            }
            else
            {
                warning =
                    $"{model.Info.Name}: the softmax before output '{scores.Name}' runs along an axis of length 1, so every output is 1; the "
                    + $"numbers before it are used as scores. Export the model with the softmax along the classes.";
                scores = softmax.Inputs[0];
            }
        }

        if (warning is null && ScorePatterns.Behind(scores).Producer is { Op: Softmax } outer
            && ScoreRange.Of(outer.Inputs[0]) is { IsProbability: true, IsShared: true })
        {
            warning =
                $"{model.Info.Name}: output '{scores.Name}' is a softmax of a softmax: the order of the classes is right, but the probabilities are much "
                + $"too uniform. Export the model with one softmax.";
        }

        ScoreRange range = ScoreRange.Of(scores);
        if (scores.Shape.ElementCount == 1 && problem is null && !range.IsSquashed && range.Low >= 0)
        {
            warning =
                $"{model.Info.Name}: the single output '{scores.Name}' is never negative, so as a logit it can only mean class 1; if it is a measurement "
                + $"rather than a class, this model is not a classifier.";
        }

        return new ClassOutput(model, index, scores, range, problem, warning, choice);
    }

    /// <summary>The model with this output alone, so that nothing else is computed; the model itself where it has no other.</summary>
    internal Model Alone()
    {
        Graph graph = _model.Graph;
        if (graph.Outputs.Count == 1 && ReferenceEquals(graph.Outputs[0], Scores)) return _model;
        GraphRewriter rewriter = new(graph);
        foreach (Node node in graph.Nodes) rewriter.Copy(node);
        return new Model(EliminateDeadNodes.Run(rewriter.Builder.Build(rewriter.Map(Scores))), _model.Info);
    }

    /// <summary>Whether a name says otherwise than the numbers are, for example "logits" for probabilities.</summary>
    internal static bool IsFalseName(string name, bool isProbability)
    {
        string[] wrong = isProbability ? ["logit", "logsoftmax", "log_softmax", "log_prob", "logprob", "sigmoid"] : ["prob", "softmax", "sigmoid"];
        foreach (string part in wrong)
        {
            if (name.Contains(part, StringComparison.OrdinalIgnoreCase)) return true;
        }

        return false;
    }

    /// <summary>A name without the 8 bits that TFLite's converter ends it with (<c>Identity_int8</c>), for an output that holds real numbers.</summary>
    internal static string WithoutType(string name)
    {
        foreach (string ending in (ReadOnlySpan<string>)["_int8", "_uint8", "_int16"])
        {
            if (name.Length > ending.Length && name.EndsWith(ending, StringComparison.Ordinal)) return name[..^ending.Length];
        }

        return name;
    }

    /// <summary>Probabilities of all classes from the output's numbers for one image.</summary>
    /// <param name="numbers">What the model computed, <see cref="Numbers"/> of them.</param>
    /// <param name="probabilities">Receives <see cref="Classes"/> probabilities.</param>
    /// <exception cref="ArgumentException">A length does not fit.</exception>
    public void ToProbabilities(ReadOnlySpan<float> numbers, Span<float> probabilities)
    {
        if (numbers.Length != Numbers || probabilities.Length != Classes)
        {
            throw new ArgumentException(
                $"{numbers.Length} numbers and {probabilities.Length} probabilities do not fit an output of {Numbers} numbers and {Classes} classes.");
        }

        if (IsBinary)
        {
            double positive = Kind == ScoreKind.Logit ? 1 / (1 + Math.Exp(-(double)numbers[0])) : Single(numbers[0]);
            probabilities[1] = (float)positive;
            probabilities[0] = (float)(1 - positive);
            return;
        }

        if (Kind != ScoreKind.Logit)
        {
            for (int i = 0; i < numbers.Length; i++) probabilities[i] = (float)Single(numbers[i]);
            return;
        }

        double max = double.NegativeInfinity, sum = 0;
        foreach (float number in numbers) max = Math.Max(max, number);
        foreach (float number in numbers) sum += Math.Exp(number - max);
        for (int i = 0; i < numbers.Length; i++) probabilities[i] = (float)(Math.Exp(numbers[i] - max) / sum);
    }

    /// <summary>
    /// One number for each class that ranks the classes: the output's own, or for a single number the distance from the threshold on either side.
    /// </summary>
    /// <param name="numbers">What the model computed.</param>
    /// <param name="buffer">Room for two numbers.</param>
    internal ReadOnlySpan<float> ToScores(ReadOnlySpan<float> numbers, Span<float> buffer)
    {
        if (!IsBinary) return numbers;
        float threshold = (float)Threshold!.Value;
        (buffer[0], buffer[1]) = (threshold - numbers[0], numbers[0] - threshold);
        return buffer[..2];
    }

    /// <summary>The best classes, best first; equal scores keep the order of the classes.</summary>
    /// <param name="numbers">What the model computed for one image.</param>
    /// <param name="top">How many classes to return at most.</param>
    public IReadOnlyList<ClassScore> Rank(ReadOnlySpan<float> numbers, int top)
    {
        float[] probabilities = new float[Classes];
        ToProbabilities(numbers, probabilities);
        float[] keys = ToScores(numbers, stackalloc float[2]).ToArray();
        int[] order = new int[keys.Length];
        for (int i = 0; i < order.Length; i++) order[i] = i;
        Array.Sort(order, (a, b) => keys[b].CompareTo(keys[a]) is int c && c != 0 ? c : a.CompareTo(b));
        ClassScore[] best = new ClassScore[Math.Clamp(top, 0, order.Length)];
        for (int i = 0; i < best.Length; i++)
        {
            int c = order[i];
            best[i] = new ClassScore(c, Labels[c], probabilities[c], IsBinary ? OwnScore(numbers[0], c) : numbers[c]);
        }

        return best;
    }

    /// <summary>The number itself for class 1, its counterpart on the other side of the threshold for class 0.</summary>
    private float OwnScore(float number, int index) => index == 1 ? number : Kind switch
    {
        ScoreKind.Logit => -number,
        ScoreKind.LogProbability => (float)Math.Log(1 - Math.Exp(number)),
        ScoreKind.Probability or ScoreKind.Bounded => (float)(_range.Low + _range.High - number),
        _ => throw new UnreachableException($"Unknown {Kind}."),
    };

    private double Single(float number) => Kind switch
    {
        ScoreKind.LogProbability => Math.Exp(number),
        ScoreKind.Probability => number,
        ScoreKind.Bounded when _range.IsShared => number / _range.Sum!.Value,
        ScoreKind.Bounded => (number - _range.Low) / (_range.High - _range.Low),
        _ => throw new UnreachableException($"{Kind} is not a probability of one class."),
    };

    private string Describe()
    {
        string of = _choice.Length > 0 ? $" ({_choice})" : "";
        if (_problem is not null) return _problem;
        if (IsBinary)
        {
            string what = Kind switch
            {
                ScoreKind.Probability => "probability",
                ScoreKind.Logit => "logit",
                ScoreKind.LogProbability => "log-probability",
                ScoreKind.Bounded => string.Create(CultureInfo.InvariantCulture, $"score from {_range.Low:0.###} to {_range.High:0.###}"),
                _ => throw new UnreachableException($"Unknown {Kind}."),
            };
            return string.Create(CultureInfo.InvariantCulture, $"one number, the {what} of '{Labels[1]}'; up to {Threshold:0.###} it is '{Labels[0]}'{of}");
        }

        return (Kind, IsIndependent) switch
        {
            (_, true) => $"independent probabilities, one per class (multi-label: they need not add up to 100 %){of}",
            (ScoreKind.Probability, _) => _range.Sum is null ? $"probabilities{of}" : $"probabilities that add up to 100 %{of}",
            (ScoreKind.LogProbability, _) => $"logarithms of probabilities{of}",
            (ScoreKind.Bounded, _) => string.Create(CultureInfo.InvariantCulture, $"probabilities times {_range.Sum:0.###}{of}"),
            (ScoreKind.Logit, _) when _features is not null => $"apparently not class scores but features: the file names no classes, and {_features}{of}",
            (ScoreKind.Logit, _) => $"logits; a softmax over them gives probabilities{of}",
            _ => throw new UnreachableException($"Unknown {Kind}."),
        };
    }

    /// <summary>One number for each class, whatever axes of size 1 are around it.</summary>
    private static bool IsVector(Shape shape)
    {
        int large = 0;
        foreach (int size in shape.Dims) large += size > 1 ? 1 : 0;
        return large <= 1;
    }

    /// <summary>
    /// Of several outputs the one that fits the labels, then one that holds probabilities, then one that no other output is computed from (features lead to
    /// scores).
    /// </summary>
    private static (int Index, string Why) Choose(Graph graph, IReadOnlyList<string>? labels)
    {
        IReadOnlyList<Value> outputs = graph.Outputs;
        if (outputs.Count == 1) return (0, "");
        List<int> candidates = [];
        for (int i = 0; i < outputs.Count; i++)
        {
            if (IsVector(outputs[i].Shape)) candidates.Add(i);
        }

        if (candidates.Count == 0) return (0, "");
        string why = "";
        if (labels is not null && Narrow(candidates, i => outputs[i].Shape.ElementCount == labels.Count)) why = "its size is the number of labels";
        if (Narrow(candidates, i => ScoreRange.Of(outputs[i]) is { IsSquashed: true } range && (range.IsProbability || range.IsLogarithm)))
        {
            why = why.Length > 0 ? why : "it holds probabilities";
        }

        bool[] leads = Leading(graph, candidates, outputs);
        if (Narrow(candidates, i => !leads[outputs[i].Id])) why = why.Length > 0 ? why : "no other output is computed from it";
        return (candidates[0], $"output {candidates[0] + 1} of {outputs.Count}, '{outputs[candidates[0]].Name}'{(why.Length > 0 ? ": " : "")}{why}");
    }

    /// <summary>Keeps the candidates that fit, if any do; says whether that left fewer.</summary>
    private static bool Narrow(List<int> candidates, Predicate<int> fits)
    {
        List<int> fitting = candidates.FindAll(fits);
        if (fitting.Count == 0 || fitting.Count == candidates.Count) return false;
        candidates.Clear();
        candidates.AddRange(fitting);
        return true;
    }

    /// <summary>Of each value of the graph, by number, whether one of these outputs is computed from it.</summary>
    private static bool[] Leading(Graph graph, List<int> candidates, IReadOnlyList<Value> outputs)
    {
        bool[] isCandidate = new bool[graph.Values.Count], leads = new bool[graph.Values.Count];
        foreach (int i in candidates) isCandidate[outputs[i].Id] = true;
        for (int i = graph.Nodes.Count - 1; i >= 0; i--)
        {
            bool matters = false;
            foreach (Value output in graph.Nodes[i].Outputs) matters |= isCandidate[output.Id] || leads[output.Id];
            if (!matters) continue;
            foreach (Value input in graph.Nodes[i].Inputs) leads[input.Id] = true;
        }

        return leads;
    }

    /// <summary>Names of the classes. A single output has two of them, of which files name both, the one that it stands for, or none.</summary>
    private static (IReadOnlyList<string> Labels, string? Problem) LabelsFor(Model model, int numbers)
    {
        string? problem = null;
        if (model.Info.Labels is IReadOnlyList<string> labels)
        {
            if (numbers == 1 && labels.Count == 1) return ([$"not {labels[0]}", labels[0]], null);
            if (labels.Count == (numbers == 1 ? 2 : numbers)) return (labels, null);
            problem = numbers == 1
                ? $"there are {labels.Count} labels for a single output, which distinguishes two classes; give two lines (first the class of low values, "
                + $"then that of high values), or one line for the class of high values."
                : $"there are {labels.Count} labels for {numbers} outputs; give a matching label file.";
        }

        return (new NumberedLabels(numbers == 1 ? 2 : numbers), problem);
    }
}
