using System;
using System.Collections.Generic;
using System.IO;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Thomas.RealModelTests;

/// <summary>ONNX Runtime, the independent judge of what we read and write.</summary>
internal sealed class Ort : IDisposable
{
    private readonly InferenceSession _session;

    /// <param name="model">The file's bytes.</param>
    /// <param name="optimized">
    /// Whether the graph is optimized as it is for everybody who sets nothing; else every operator runs by itself, which is their definition. Both must give
    /// what the file means: the optimizer may round differently, no more.
    /// </param>
    public Ort(byte[] model, bool optimized = true)
    {
        using SessionOptions options = Options(optimized);
        _session = new InferenceSession(model, options);
    }

    /// <summary>Opens a file, which may have weights beside it, with default settings.</summary>
    public Ort(string path)
    {
        using SessionOptions options = Options(optimized: true);
        _session = new InferenceSession(path, options);
    }

    private static SessionOptions Options(bool optimized)
    {
        SessionOptions options = new() { IntraOpNumThreads = 1, InterOpNumThreads = 1, LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR };
        if (!optimized) options.GraphOptimizationLevel = GraphOptimizationLevel.ORT_DISABLE_ALL;
        return options;
    }

    public IReadOnlyList<string> OutputNames => _session.OutputNames;

    public string InputName => _session.InputNames[0];

    public int[] InputShape => _session.InputMetadata[InputName].Dimensions;

    /// <summary>Writes a model to memory.</summary>
    public static byte[] Export(Model model)
    {
        using MemoryStream stream = new();
        model.Save(stream, ModelFormat.Onnx);
        return stream.ToArray();
    }

    /// <summary>
    /// Runs the model; inputs in the file's order and layout, any number of images where the file leaves the batch open. float16 inputs and outputs are
    /// converted.
    /// </summary>
    public float[][] Run(params float[][] inputs)
    {
        List<NamedOnnxValue> values = [];
        for (int i = 0; i < inputs.Length; i++)
        {
            string name = _session.InputNames[i];
            NodeMetadata metadata = _session.InputMetadata[name];
            int[] shape = [.. metadata.Dimensions];
            int fixedElements = 1;
            foreach (int size in shape) fixedElements *= Math.Max(1, size);
            for (int axis = 0; axis < shape.Length; axis++) shape[axis] = shape[axis] > 0 ? shape[axis] : axis == 0 ? inputs[i].Length / fixedElements : 1;
            values.Add(metadata.ElementDataType == TensorElementType.Float16
                ? NamedOnnxValue.CreateFromTensor(name, new DenseTensor<Float16>(Array.ConvertAll(inputs[i], static v => (Float16)v), shape))
                : NamedOnnxValue.CreateFromTensor(name, new DenseTensor<float>(inputs[i], shape)));
        }

        using IDisposableReadOnlyCollection<DisposableNamedOnnxValue> results = _session.Run(values);
        List<float[]> outputs = [];
        foreach (DisposableNamedOnnxValue result in results)
        {
            outputs.Add(result.Value is Tensor<Float16> half
                ? Array.ConvertAll(((DenseTensor<Float16>)half).Buffer.ToArray(), static v => (float)v)
                : ((DenseTensor<float>)result.AsTensor<float>()).Buffer.ToArray());
        }

        return [.. outputs];
    }

    /// <summary>Runs a model of one image whose height and width the file may leave open; channels come second.</summary>
    public float[] Run(int side, float[] input)
    {
        int[] shape = [1, input.Length / side / side, side, side];
        using IDisposableReadOnlyCollection<DisposableNamedOnnxValue> results = _session.Run(
            [NamedOnnxValue.CreateFromTensor(InputName, new DenseTensor<float>(input, shape))]);
        return ((DenseTensor<float>)results[0].AsTensor<float>()).Buffer.ToArray();
    }

    public void Dispose() => _session.Dispose();
}
