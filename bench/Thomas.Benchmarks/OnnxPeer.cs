using System;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Thomas.Graphs;
using Thomas.Runtime;
using Thomas.Training;

namespace Thomas.Benchmarks;

/// <summary>ONNX Runtime with one image of one model, noise as Thomas gets it.</summary>
internal sealed class OnnxPeer : IDeviceTrial
{
    /// <summary>Its name and version.</summary>
    public static readonly string Name = $"onnxruntime {OrtEnv.Instance().GetVersionString()}";

    private readonly InferenceSession _session;
    private readonly OrtValue _input;
    private readonly RunOptions _runOptions = new();
    private readonly Shape _shape;
    private readonly bool _isNchw;
    private readonly string[] _inputNames;
    private readonly string[] _outputNames;
    private IDisposableReadOnlyCollection<OrtValue>? _results;

    /// <summary>Loads the model.</summary>
    /// <param name="path">An ONNX file.</param>
    /// <param name="model">The same file as Thomas read it.</param>
    /// <param name="threads">Threads of an operator.</param>
    public OnnxPeer(string path, Model model, int threads)
    {
        using SessionOptions options = new() { IntraOpNumThreads = threads, InterOpNumThreads = 1 };
        _session = new InferenceSession(path, options);
        Shape shape = _shape = model.Graph.Inputs[0].Shape;
        _isNchw = model.Info.InputLayout == ImageLayout.Nchw;
        float[] nhwc = new float[shape.ElementCount];
        TrainingTrial.FillWithNoise(nhwc);
        (float[] image, long[] dims) = _isNchw ? ToNchw(nhwc, shape) : (nhwc, [shape[0], shape[1], shape[2], shape[3]]);
        (_inputNames, _outputNames) = ([_session.InputNames[0]], [_session.OutputNames[0]]);
        _input = _session.InputMetadata[_inputNames[0]].ElementDataType == TensorElementType.Float16
            ? OrtValue.CreateTensorValueFromMemory(Array.ConvertAll(image, static value => (Float16)value), dims)
            : OrtValue.CreateTensorValueFromMemory(image, dims);
    }

    /// <summary>Gives it another image, NHWC, in place of the noise.</summary>
    public void Feed(float[] nhwc)
    {
        float[] image = _isNchw ? ToNchw(nhwc, _shape).Values : nhwc;
        image.CopyTo(_input.GetTensorMutableDataAsSpan<float>());
    }

    /// <summary>The scores of the last run.</summary>
    public ReadOnlySpan<float> Output
    {
        get
        {
            if (_session.OutputMetadata[_outputNames[0]].ElementDataType != TensorElementType.Float16) return _results![0].GetTensorDataAsSpan<float>();
            return Array.ConvertAll(_results![0].GetTensorDataAsSpan<Float16>().ToArray(), static value => (float)value);
        }
    }

    /// <inheritdoc/>
    public void Run()
    {
        _results?.Dispose();
        _results = _session.Run(_runOptions, _inputNames, [_input], _outputNames);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _results?.Dispose();
        _runOptions.Dispose();
        _input.Dispose();
        _session.Dispose();
    }

    private static (float[] Values, long[] Dims) ToNchw(float[] nhwc, Shape shape)
    {
        int h = shape[1], w = shape[2], c = shape[3];
        float[] result = new float[nhwc.Length];
        for (int i = 0; i < result.Length; i++) result[((i % c) * h * w) + (i / c)] = nhwc[i];
        return (result, [1, c, h, w]);
    }
}
