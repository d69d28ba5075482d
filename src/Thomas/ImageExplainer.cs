using System;
using System.Threading;
using Thomas.Autodiff;
using Thomas.Data;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;
using Thomas.Runtime;

namespace Thomas;

/// <summary>
/// Shows which parts of an image speak for a class. For the last activation A with rows and columns (before global pooling or flattening) and the score s of
/// the class before any softmax or sigmoid, the map is <c>map[y,x] = sum_k A[y,x,k] * ds/dA[y,x,k]</c>: HiResCAM (Draelos and Carin 2020, arXiv:2011.08891).
/// Where global average pooling and one linear layer follow A, it equals CAM (Zhou et al. 2016) and, up to scale, Grad-CAM (Selvaraju et al. 2017); where A is
/// flattened it stays exact, which Grad-CAM's averaged gradients are not.
/// </summary>
/// <remarks>
/// Computed on the CPU, by the scalar definitions with <see cref="DeviceKind.Serial"/>. Several threads may call; they take turns. The map has the resolution
/// of A, such as 7x7 cells for a MobileNet at 224x224, and says what moved the score, not whether the answer is right.
/// </remarks>
/// <example>
/// <code>
/// using ImageExplainer explainer = new(Model.Load("flowers.tflite"));
/// ClassActivation map = explainer.Explain(ImageDecoders.Best().Decode(File.ReadAllBytes("new.jpg"), 448));
/// Console.WriteLine($"{map.Class.Label}: {map.Height}x{map.Width} cells");
/// </code>
/// </example>
public sealed class ImageExplainer : IDisposable
{
    private readonly Lock _turn = new();
    private readonly ClassOutput _output;
    private readonly Preprocessor _preprocessor;
    private readonly VariableStore _store;
    private readonly Executable _executable;
    private readonly int _scores;

    /// <summary>Compiles a model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="preprocessing">Overrides what the model says.</param>
    /// <param name="options">Threads, and whether to compute by the scalar definitions.</param>
    /// <exception cref="ThomasException">The model is not an image classifier, none of its layers keeps the image's rows and columns, or a layer between them
    /// and the scores has no gradient; the message says which.</exception>
    public ImageExplainer(Model model, Preprocessing? preprocessing = null, CompileOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        Input = ImageInput.Of(model, preprocessing);
        ModelChecks.RequireFinite(model);
        _output = ClassOutput.Of(model);
        _preprocessor = new Preprocessor(Input.Preprocessing);
        Value scores = BeforeSquashing(_output.Scores);
        _scores = scores.Shape.ElementCount;
        ActivationGradient gradient = Build(model, scores);
        Layer = gradient.Layer;
        CompileOptions compile = options ?? new CompileOptions();
        if (compile.Device != DeviceKind.Serial) compile = compile with { Device = DeviceKind.Cpu };
        _store = new VariableStore([gradient.Offset]);
        try
        {
            _executable = Executable.CompileAsIs(gradient.Graph, compile, _store);
        }
        catch
        {
            _store.Dispose();
            throw;
        }

        Shape shape = _executable.Graph.Outputs[2].Shape;
        (MapHeight, MapWidth) = (shape[1], shape[2]);
    }

    /// <summary>The preprocessing in use and where it comes from.</summary>
    public ImageInput Input { get; }

    /// <summary>Name of the activation that is explained.</summary>
    public string Layer { get; }

    /// <summary>Columns of each map.</summary>
    public int MapWidth { get; }

    /// <summary>Rows of each map.</summary>
    public int MapHeight { get; }

    /// <summary>Explains the score of a class.</summary>
    /// <param name="image">The image.</param>
    /// <param name="classIndex">The class; null for the most likely one.</param>
    /// <returns>The map. It is over the part of the image that the model sees, which a center crop makes smaller than the image.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such class.</exception>
    /// <exception cref="ObjectDisposedException">This object was disposed.</exception>
    public ClassActivation Explain(RgbImage image, int? classIndex = null)
    {
        ArgumentNullException.ThrowIfNull(image);
        byte[] crop = new byte[_preprocessor.CropBytes];
        _preprocessor.Crop(image, crop);
        return ExplainCrop(crop, classIndex);
    }

    /// <summary>As <see cref="Explain"/>, for an image that was cut to the model's size.</summary>
    internal ClassActivation ExplainCrop(ReadOnlySpan<byte> crop, int? classIndex = null)
    {
        if (classIndex is int given && (uint)given >= (uint)_output.Classes)
        {
            throw new ArgumentOutOfRangeException(nameof(classIndex), given, $"There are {_output.Classes} classes.");
        }

        lock (_turn)
        {
            float[] weights = new float[_scores];
            if (classIndex is null)
            {
                Run(crop, weights);
                classIndex = _output.Rank(_executable.Output(1), 1)[0].Index;
            }

            // A single number speaks for class 1 where it is high and for class 0 where it is low.
            if (_scores == 1) weights[0] = classIndex == 1 ? 1 : -1;
            else weights[classIndex.Value] = 1;
            Run(crop, weights);
            return new ClassActivation(ScoreOf(classIndex.Value), MapWidth, MapHeight, Product(_executable.Output(2), _executable.Output(3)));
        }
    }

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        _executable.Dispose();
        _store.Dispose();
    }

    private ActivationGradient Build(Model model, Value scores)
    {
        try
        {
            return ActivationGradient.Build(model.Graph, _output.Scores, scores) ?? throw new ThomasException(
                $"{model.Info.Name}: it cannot be shown where this model looks, because none of its layers keeps the image's rows and columns up to the "
                + $"class scores.");
        }
        catch (GraphException e)
        {
            throw new ThomasException($"{model.Info.Name}: it cannot be shown where this model looks: {e.Message}", e);
        }
    }

    private void Run(ReadOnlySpan<byte> crop, float[] weights)
    {
        _preprocessor.Normalize(crop, _executable.Input()[.._preprocessor.InputLength]);
        weights.CopyTo(_executable.Input(1));
        _executable.Run();
    }

    private ClassScore ScoreOf(int classIndex)
    {
        foreach (ClassScore score in _output.Rank(_executable.Output(1), _output.Classes))
        {
            if (score.Index == classIndex) return score;
        }

        throw new InvalidOperationException($"Class {classIndex} is not ranked.");
    }

    private float[] Product(ReadOnlySpan<float> activation, ReadOnlySpan<float> gradient)
    {
        float[] cells = new float[MapWidth * MapHeight];
        int channels = activation.Length / cells.Length;
        for (int i = 0; i < cells.Length; i++)
        {
            double sum = 0;
            for (int k = i * channels; k < (i + 1) * channels; k++) sum += (double)activation[k] * gradient[k];
            cells[i] = (float)sum;
        }

        return cells;
    }

    /// <summary>The scores before a softmax or sigmoid at the end, whose gradient vanishes where the model is sure.</summary>
    private static Value BeforeSquashing(Value scores)
    {
        for (Value at = scores; at.Producer is Node node;)
        {
            if (ScorePatterns.SoftmaxLogits(node) is Value logits) return logits;
            bool isSigmoid = node is { Op: Activate, Attributes: ActivateAttributes { Activation.Kind: ActivationKind.Sigmoid } };
            if (node.Op is Softmax || isSigmoid) return node.Inputs[0];
            if (node.Op is not (Reshape or FakeQuantize or Transpose or Log)) break;
            at = node.Inputs[0];
        }

        return scores;
    }
}
