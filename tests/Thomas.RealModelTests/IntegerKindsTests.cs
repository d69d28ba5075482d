using System;
using System.Collections.Generic;
using System.IO;
using System.Runtime.InteropServices;
using Thomas.Data;
using Thomas.Formats.TfLite.Schema;
using Thomas.Formats.TfLite.Writing;
using Thomas.Graphs;
using Thomas.Imaging;
using Thomas.Ops;
using Thomas.Quantizing;
using Thomas.Runtime;
using Thomas.Tests.Harness;
using Thomas.Tests.Quantizing;
using Xunit;

namespace Thomas.RealModelTests;

/// <summary>
/// Each kind of 8-bit operator in files of their own, byte for byte beside TensorFlow Lite as WebAssembly. Both rules of rounding: the interpreter hands layers
/// to XNNPACK, as applications do, unless a size in the file is computed; then its built-in kernels do all.
/// </summary>
public sealed class IntegerKindsTests(ITestOutputHelper output)
{
    private const int Runs = 4;

    private static readonly int[] Image = [1, 9, 11, 6];

    /// <summary>
    /// The interpreter refuses int8 parts on other grids than the whole, and its version of XNNPACK copies the bytes of uint8 ones as they are.
    /// </summary>
    private static bool IsNoTest(string name, string runtime, bool isSigned, QuantizedRounding rounding) =>
        name == "concat different grids" && (isSigned || (runtime == "tflite" && rounding == QuantizedRounding.Float));

    /// <summary>
    /// Built-in kernels that do not compute what their definition says. Convolutions of int8 go through a matrix library that rounds once instead of twice.
    /// Means have a formula for each case: rounded zero points, truncated quotients, float32.
    /// </summary>
    private static bool RoundsOtherwise(string name, bool isSigned, QuantizedRounding rounding) => rounding == QuantizedRounding.FixedPoint
        && ((isSigned && name.StartsWith("conv", StringComparison.Ordinal)) || name.StartsWith("mean", StringComparison.Ordinal));

    private static IEnumerable<(string Name, Func<ByteFile, int> Build)> Cases() => [.. Layers(), .. Binaries(), .. Others()];

    private static IEnumerable<(string Name, Func<ByteFile, int> Build)> Layers()
    {
        FusedActivation[] activations = [FusedActivation.NONE, FusedActivation.RELU, FusedActivation.RELU6, FusedActivation.RELU_N1_TO_1];
        foreach (FusedActivation activation in activations)
        {
            yield return ($"conv 3x3 same {activation}", f => Conv(f, f.Input(Image), 8, 3, activation: activation));
            yield return ($"depthwise 3x3 same {activation}", f => Depthwise(f, f.Input(Image), 1, activation: activation));
            yield return ($"dense {activation}", f => Dense(f, f.Input([1, 40]), 60, activation));
            yield return ($"add {activation}", f => Sum(f, BuiltinOperator.ADD, 0.05f, 0.05f, 0.07f, activation));
            yield return ($"mul {activation}", f => Sum(f, BuiltinOperator.MUL, 0.05f, 0.03f, 0.02f, activation));
            yield return ($"sub {activation}", f => Sum(f, BuiltinOperator.SUB, 0.05f, 0.05f, 0.07f, activation));
        }

        yield return ("conv 1x1 valid", f => Conv(f, f.Input(Image), 17, 1, isSame: false));
        yield return ("conv 3x3 stride 2 same", f => Conv(f, f.Input(Image), 8, 3, stride: 2));
        yield return ("conv 3x3 stride 2 valid", f => Conv(f, f.Input(Image), 8, 3, stride: 2, isSame: false));
        yield return ("conv 3x3 dilation 2", f => Conv(f, f.Input(Image), 8, 3, dilation: 2));
        yield return ("conv 5x5 one scale", f => Conv(f, f.Input(Image), 8, 5, perChannel: false));
        yield return ("conv small ratio", f => Conv(f, f.Input(Image, 0.0001f), 8, 3, scale: 0.3f));
        yield return ("conv large ratio", f => Conv(f, f.Input(Image, 3f), 8, 1, scale: 0.05f));
        yield return ("depthwise multiplier 2", f => Depthwise(f, f.Input(Image), 2));
        yield return ("depthwise stride 2 same", f => Depthwise(f, f.Input(Image), 1, stride: 2));
        yield return ("depthwise stride 2 valid", f => Depthwise(f, f.Input(Image), 1, stride: 2, isSame: false));
        yield return ("depthwise multiplier 2 stride 2", f => Depthwise(f, f.Input(Image), 2, stride: 2));
        yield return ("depthwise dilation 2", f => Depthwise(f, f.Input(Image), 1, dilation: 2));
        yield return ("depthwise 5x5", f => Depthwise(f, f.Input(Image), 1, kernel: 5));
        yield return ("depthwise 7x7", f => Depthwise(f, f.Input(Image), 1, kernel: 7));
        yield return ("depthwise 7x7 stride 2", f => Depthwise(f, f.Input(Image), 1, stride: 2, kernel: 7));
        yield return ("depthwise one scale", f => Depthwise(f, f.Input(Image), 1, perChannel: false));
        yield return ("dense wide", f => Dense(f, f.Input([1, 300]), 117, FusedActivation.NONE));

    }

    private static IEnumerable<(string Name, Func<ByteFile, int> Build)> Binaries()
    {
        foreach (BuiltinOperator code in (BuiltinOperator[])[BuiltinOperator.ADD, BuiltinOperator.SUB])
        {
            yield return ($"{code} other scales", f => Sum(f, code, 0.05f, 0.011f, 0.043f));
            yield return ($"{code} scales 300 apart", f => Sum(f, code, 0.05f, 0.05f / 300, 0.05f));
            yield return ($"{code} ratio 2^-10", f => Sum(f, code, 0.0625f, 0.0625f / 1024, 0.0625f));
            yield return ($"{code} ratio below 2^-10", f => Sum(f, code, 0.0625f, 0.0625f / 1030, 0.0625f));
            yield return ($"{code} ratio 250", f => Sum(f, code, 0.05f, 0.04f, 0.05f / 250));
            yield return ($"{code} ratio above 256", f => Sum(f, code, 0.05f, 0.04f, 0.05f / 257));
            yield return ($"{code} of a constant per channel", f => WithConstant(f, code, [6]));
            yield return ($"{code} of one constant", f => WithConstant(f, code, [1]));
            yield return ($"{code} stretched", f => Stretched(f, code));
        }

        yield return ("mul other scales", f => Sum(f, BuiltinOperator.MUL, 0.05f, 0.011f, 0.0043f));
        yield return ("mul small ratio", f => Sum(f, BuiltinOperator.MUL, 0.004f, 0.003f, 2f));
        yield return ("mul ratio below 2^-16", f => Sum(f, BuiltinOperator.MUL, 0.004f, 0.003f, 4f));
        yield return ("mul ratio above 256", f => Sum(f, BuiltinOperator.MUL, 1f, 1.5f, 0.005f));
        yield return ("mul of a constant per channel", f => WithConstant(f, BuiltinOperator.MUL, [6]));
        yield return ("mul stretched", f => Stretched(f, BuiltinOperator.MUL));
        yield return ("mul by a gate", f => Gate(f));

    }

    private static IEnumerable<(string Name, Func<ByteFile, int> Build)> Others()
    {
        yield return ("average pool 2x2", f => Pool(f, BuiltinOperator.AVERAGE_POOL_2D, 2, 2));
        yield return ("average pool 3x3 padded", f => Pool(f, BuiltinOperator.AVERAGE_POOL_2D, 3, 1));
        yield return ("average pool whole", f => Pool(f, BuiltinOperator.AVERAGE_POOL_2D, 0, 1));
        yield return ("average pool relu6", f => Pool(f, BuiltinOperator.AVERAGE_POOL_2D, 3, 2, FusedActivation.RELU6));
        yield return ("max pool 2x2", f => Pool(f, BuiltinOperator.MAX_POOL_2D, 2, 2));
        yield return ("max pool 3x3 padded", f => Pool(f, BuiltinOperator.MAX_POOL_2D, 3, 2));
        yield return ("max pool relu", f => Pool(f, BuiltinOperator.MAX_POOL_2D, 3, 1, FusedActivation.RELU));

        yield return ("mean rows and columns", f => Mean(f, [1, 2], keepDims: false));
        yield return ("mean rows and columns kept", f => Mean(f, [1, 2], keepDims: true));
        yield return ("mean same grid", f => Mean(f, [1, 2], keepDims: true, 0.05f, 117));
        yield return ("mean same grid dropped", f => Mean(f, [1, 2], keepDims: false, 0.05f, 117));
        yield return ("mean channels", f => Mean(f, [3], keepDims: false));
        yield return ("mean rows", f => Mean(f, [1], keepDims: true));

        yield return ("concat equal grids", f => Joined(f, f.Grid(0.05f, 117), f.Grid(0.05f, 117)));
        yield return ("concat different grids", f => Joined(f, f.Grid(0.031f, 100), f.Grid(0.062f, 128)));
        yield return ("pad", f => Padded(f));
        yield return ("reshape", f => Reshaped(f));
        yield return ("transpose", f => Transposed(f));
        yield return ("softmax", f => Softmax(f, 0.05f, 1));
        yield return ("softmax wide beta", f => Softmax(f, 0.3f, 0.7f));
        yield return ("logistic", f => Unary(f, BuiltinOperator.LOGISTIC, f.Grid(1f / 256, 0)));
        yield return ("tanh", f => Unary(f, BuiltinOperator.TANH, f.Grid(1f / 128, 128), 0.02f));
        yield return ("hard-swish", f => Unary(f, BuiltinOperator.HARD_SWISH, f.Grid(0.03f, 13), options: BuiltinOptions.HardSwish));
        yield return ("hard-swish wide", f => Unary(f, BuiltinOperator.HARD_SWISH, f.Grid(0.12f, 5), 0.21f, BuiltinOptions.HardSwish));
        yield return ("leaky relu", f => LeakyRelu(f, 0.1f, 0.04f));
        yield return ("leaky relu 0.3", f => LeakyRelu(f, 0.3f, 0.071f));
        yield return ("relu", f => Unary(f, BuiltinOperator.RELU, f.Grid(0.03f, 0)));
        yield return ("relu6", f => Unary(f, BuiltinOperator.RELU6, f.Grid(6f / 255, 0)));
        yield return ("relu on its grid", f => Unary(f, BuiltinOperator.RELU, f.Grid(0.05f, 117)));
        yield return ("requantize finer", f => Unary(f, BuiltinOperator.QUANTIZE, f.Grid(0.031f, 90), options: BuiltinOptions.Quantize));
        yield return ("requantize coarser", f => Unary(f, BuiltinOperator.QUANTIZE, f.Grid(0.17f, 140), options: BuiltinOptions.Quantize));
        yield return ("requantize far", f => Unary(f, BuiltinOperator.QUANTIZE, f.Grid(0.05f * 300, 140), options: BuiltinOptions.Quantize));
        yield return ("requantize far finer", f => Unary(f, BuiltinOperator.QUANTIZE, f.Grid(0.05f / 130, 140), options: BuiltinOptions.Quantize));
        yield return ("requantize moved", f => Unary(f, BuiltinOperator.QUANTIZE, f.Grid(0.05f, 100), options: BuiltinOptions.Quantize));
    }

    [Theory]
    [InlineData(true, QuantizedRounding.Float)]
    [InlineData(false, QuantizedRounding.Float)]
    [InlineData(true, QuantizedRounding.FixedPoint)]
    [InlineData(false, QuantizedRounding.FixedPoint)]
    public void Every_kind_gives_the_bytes_of_TensorFlow_Lite(bool isSigned, QuantizedRounding rounding)
    {
        // LiteRT takes no int8 from outside, and hands graphs with computed sizes to XNNPACK too.
        bool isFixed = rounding == QuantizedRounding.FixedPoint;
        List<(string Name, string Runtime, byte[] Ours)> wanted = [];
        List<(string, byte[], byte[])> jobs = [];
        List<string> reals = [];
        foreach ((string name, Func<ByteFile, int> build) in Cases())
        {
            foreach (string runtime in TfLiteRuntime.Names)
            {
                bool hasFloatEnds = runtime == "litert";
                if ((isFixed && hasFloatEnds) || IsNoTest(name, runtime, isSigned, rounding)) continue;
                ByteFile file = new(isSigned, hasFloatEnds, (uint)wanted.Count);
                byte[] written = file.Finish(build(file), computesShape: isFixed);
                Model model = ModelFiles.Load(written, $"{name}.tflite");
                byte[] input = Inputs(model, file.InputGrid, isSigned, hasFloatEnds, out float[][] images);
                wanted.Add((name, runtime, Run(model, images, hasFloatEnds, rounding, out bool isInteger)));
                if (!isInteger && !hasFloatEnds) reals.Add(name);
                jobs.Add((runtime, written, input));
            }
        }

        output.WriteLine($"computed in reals: {string.Join(", ", reals)}");
        Compare(
            wanted, TfLiteRuntime.RunBytes(jobs), $", {(isSigned ? "int8" : "uint8")}, {rounding}", name => RoundsOtherwise(name, isSigned, rounding));
    }

    /// <summary>Whole small networks by way of the quantizer and the writer, with integers and with float32 at their ends.</summary>
    [Fact]
    public void Quantized_networks_give_the_bytes_of_TensorFlow_Lite()
    {
        List<(string Name, string Runtime, byte[] Ours)> wanted = [];
        List<(string, byte[], byte[])> jobs = [];
        foreach (string kind in SmallNetworks.Kinds)
        {
            QuantizerOptions options = new() { Compile = new CompileOptions { Threads = 1 } };
            Model quantized = Quantizer.Quantize(SmallNetworks.Build(kind), NoiseImages(), new ManagedImageDecoder(), options).Model;
            foreach (string runtime in TfLiteRuntime.Names)
            {
                bool hasFloatEnds = runtime == "litert";
                using MemoryStream stream = new();
                quantized.Save(stream, ModelFormat.TfLite, new SaveOptions { Ends = hasFloatEnds ? IntegerEnds.Float : IntegerEnds.Int8 });
                Model model = ModelFiles.Load(stream.ToArray(), kind);
                Node first = model.Graph.Inputs[0].Consumers[0];
                byte[] input = Inputs(model, ((FakeQuantizeAttributes)first.Attributes).Quantization, true, hasFloatEnds, out float[][] images);
                wanted.Add((kind, runtime, Run(model, images, hasFloatEnds, QuantizedRounding.Float, out bool isInteger)));
                Assert.True(isInteger || kind == "unusual", kind);
                jobs.Add((runtime, stream.ToArray(), input));
            }
        }

        Compare(wanted, TfLiteRuntime.RunBytes(jobs), "", static _ => false);
    }

    private void Compare(
        List<(string Name, string Runtime, byte[] Ours)> wanted, IReadOnlyList<(byte[]? Output, string Types, string? Error)> results, string what,
        Func<string, bool> mayBeAStepApart)
    {
        List<string> failures = [];
        int exact = 0, numbers = 0;
        for (int i = 0; i < results.Count; i++)
        {
            (string name, string runtime, byte[] ours) = wanted[i];
            (int differ, int largest, string text) = results[i].Output is { } theirs ? Difference(ours, theirs, runtime == "litert")
                : (1, int.MaxValue, $"refused: {results[i].Error}");
            exact += differ == 0 ? 1 : 0;
            numbers += runtime == "litert" ? ours.Length / sizeof(float) : ours.Length;
            if (differ > 0) output.WriteLine($"{name}, {runtime}{what}: {text}");
            if (differ > 0 && !(largest == 1 && mayBeAStepApart(name))) failures.Add($"{name}, {runtime}{what}: {text}");
        }

        output.WriteLine($"{exact} of {results.Count} files are exact, {numbers} numbers{what}");
        Assert.True(failures.Count == 0, string.Join('\n', failures));
    }

    internal static Dataset NoiseImages()
    {
        List<Sample> samples = [];
        for (int i = 0; i < 12; i++)
        {
            float[] noise = TestGraphs.Noise(SmallNetworks.Side * SmallNetworks.Side * 3, (uint)i + 50);
            RgbImage image = new(SmallNetworks.Side, SmallNetworks.Side, Array.ConvertAll(noise, static x => (byte)(127.5f + (127 * x))));
            samples.Add(new Sample(ImageSource.FromPixels($"{i}", image), 0, Subset.Unassigned));
        }

        return new Dataset("noise", ["x"], samples);
    }

    private static (int Differ, int Largest, string Text) Difference(byte[] ours, byte[] theirs, bool isFloat)
    {
        if (ours.Length != theirs.Length) return (1, int.MaxValue, $"{theirs.Length} bytes instead of {ours.Length}");
        if (isFloat)
        {
            ReadOnlySpan<float> a = MemoryMarshal.Cast<byte, float>(ours), b = MemoryMarshal.Cast<byte, float>(theirs);
            int others = 0;
            for (int i = 0; i < a.Length; i++) others += a[i] == b[i] ? 0 : 1;
            return (others, int.MaxValue, $"{others} of {a.Length} numbers differ");
        }

        int differ = 0, largest = 0;
        for (int i = 0; i < ours.Length; i++)
        {
            differ += ours[i] == theirs[i] ? 0 : 1;
            largest = Math.Max(largest, Math.Abs((sbyte)(ours[i] - theirs[i])));
        }

        return (differ, largest, $"{differ} of {ours.Length} bytes differ, by {largest} at most");
    }

    /// <summary>All bytes, in an order that mixes them.</summary>
    private static byte[] Inputs(Model model, Quantization grid, bool isSigned, bool hasFloatEnds, out float[][] images)
    {
        int length = model.Graph.Inputs[0].Shape.ElementCount;
        byte[] bytes = new byte[length * Runs];
        for (int i = 0; i < bytes.Length; i++) bytes[i] = (byte)((i * 77) + (i / 256 * 13) + (i >> 5));
        images = new float[Runs][];
        float scale = grid.Scales[0];
        int zero = grid.ZeroPoints[0];
        List<float> all = [];
        for (int run = 0; run < Runs; run++)
        {
            images[run] = new float[length];
            for (int i = 0; i < length; i++)
            {
                byte b = bytes[(run * length) + i];
                images[run][i] = scale * ((isSigned ? (sbyte)b : b) - zero);
            }

            all.AddRange(images[run]);
        }

        return hasFloatEnds ? MemoryMarshal.AsBytes(all.ToArray().AsSpan()).ToArray() : bytes;
    }

    private static byte[] Run(Model model, float[][] images, bool hasFloatEnds, QuantizedRounding rounding, out bool isInteger)
    {
        CompileOptions compile = new() { Threads = 1, QuantizedRounding = rounding };
        using Executable executable = Executable.Compile(model.Graph, model.Graph.Inputs[0].Shape[0], compile);
        isInteger = true;
        foreach (Node node in executable.Graph.Nodes)
        {
            isInteger &= node.Op is Quantize or Dequantize or Reshape or Transpose || node.Inputs[0].Type.DType is DType.I8 or DType.U8;
        }

        Node last = model.Graph.Outputs[0].Producer!;
        while (last.Op is not FakeQuantize) last = last.Inputs[0].Producer!;
        StepGrid grid = StepGrid.Of((FakeQuantizeAttributes)last.Attributes)!.Value;
        List<byte> bytes = [];
        foreach (float[] image in images)
        {
            image.CopyTo(executable.Input());
            executable.Run();
            float[] scores = executable.Output().ToArray();
            bytes.AddRange(hasFloatEnds ? MemoryMarshal.AsBytes(scores.AsSpan()).ToArray() : Array.ConvertAll(scores, x => (byte)grid.Step(x)));
        }

        return [.. bytes];
    }

    private static int Conv(
        ByteFile f, int x, int outputs, int kernel, int stride = 1, int dilation = 1, bool isSame = true, bool perChannel = true,
        FusedActivation activation = FusedActivation.NONE, float scale = 0.06f)
    {
        int[] dims = f.Dims(x);
        int weights = f.Weights([outputs, kernel, kernel, dims[3]], 1, perChannel ? 0 : null);
        OptionsTable options = new OptionsTable(BuiltinOptions.Conv2D).Byte(0, isSame ? (byte)0 : (byte)1).Int(1, stride).Int(2, stride)
            .Byte(3, (byte)activation).Int(4, dilation, 1).Int(5, dilation, 1);
        int[] result = [dims[0], Size(dims[1], kernel, stride, dilation, isSame), Size(dims[2], kernel, stride, dilation, isSame), outputs];
        return f.Call(BuiltinOperator.CONV_2D, [x, weights, f.Bias(x, weights, outputs)], result, f.Grid(scale, 121), options, f.IsSigned ? 3 : 1);
    }

    private static int Depthwise(
        ByteFile f, int x, int multiplier, int stride = 1, int dilation = 1, bool isSame = true, bool perChannel = true,
        FusedActivation activation = FusedActivation.NONE, int kernel = 3)
    {
        int[] dims = f.Dims(x);
        int outputs = dims[3] * multiplier, weights = f.Weights([1, kernel, kernel, outputs], 1, perChannel ? 3 : null);
        OptionsTable options = new OptionsTable(BuiltinOptions.DepthwiseConv2D).Byte(0, isSame ? (byte)0 : (byte)1).Int(1, stride).Int(2, stride)
            .Int(3, multiplier).Byte(4, (byte)activation).Int(5, dilation, 1).Int(6, dilation, 1);
        int[] result = [dims[0], Size(dims[1], kernel, stride, dilation, isSame), Size(dims[2], kernel, stride, dilation, isSame), outputs];
        return f.Call(
            BuiltinOperator.DEPTHWISE_CONV_2D, [x, weights, f.Bias(x, weights, outputs)], result, f.Grid(0.06f, 121), options, f.IsSigned ? 3 : 1);
    }

    private static int Size(int size, int kernel, int stride, int dilation, bool isSame) =>
        isSame ? (size + stride - 1) / stride : (size - ((kernel - 1) * dilation) - 1 + stride) / stride;

    private static int Dense(ByteFile f, int x, int outputs, FusedActivation activation)
    {
        int weights = f.Weights([outputs, f.Dims(x)[1]], 1, null);
        return f.Call(
            BuiltinOperator.FULLY_CONNECTED, [x, weights, f.Bias(x, weights, outputs)], [f.Dims(x)[0], outputs], f.Grid(0.2f, 121),
            new OptionsTable(BuiltinOptions.FullyConnected).Byte(0, (byte)activation), f.IsSigned ? 4 : 1);
    }

    private static OptionsTable BinaryOptions(BuiltinOperator code, FusedActivation activation)
    {
        BuiltinOptions type = code == BuiltinOperator.ADD ? BuiltinOptions.Add : code == BuiltinOperator.SUB ? BuiltinOptions.Sub : BuiltinOptions.Mul;
        return new OptionsTable(type).Byte(0, (byte)activation);
    }

    private static int Sum(ByteFile f, BuiltinOperator code, float a, float b, float y, FusedActivation activation = FusedActivation.NONE)
    {
        int x = f.Input([1, 8, 16, 8], a);
        int left = f.Part(x, 0, 4), right = f.Part(x, 4, 4, b == a ? null : f.Grid(b, 96));
        return f.Call(code, [left, right], f.Dims(left), f.Grid(y, 131), BinaryOptions(code, activation));
    }

    private static int WithConstant(ByteFile f, BuiltinOperator code, int[] dims)
    {
        int x = f.Input(Image);
        return f.Call(code, [x, f.Constant(dims, f.Grid(0.02f, 101))], Image, f.Grid(0.043f, 131), BinaryOptions(code, default));
    }

    private static int Stretched(ByteFile f, BuiltinOperator code)
    {
        int x = f.Input(Image), row = f.Call(
            BuiltinOperator.AVERAGE_POOL_2D, [x], [1, 1, 1, 6], f.InputGrid,
            new OptionsTable(BuiltinOptions.Pool2D).Byte(0, 1).Int(1, 1).Int(2, 1).Int(3, Image[2]).Int(4, Image[1]));
        return f.Call(code, [x, row], Image, f.Grid(0.043f, 131), BinaryOptions(code, default));
    }

    private static int Gate(ByteFile f)
    {
        int x = f.Input(Image), gate = f.Call(BuiltinOperator.LOGISTIC, [x], Image, f.Grid(1f / 256, 0));
        return f.Call(BuiltinOperator.MUL, [x, gate], Image, f.Grid(0.031f, 20), BinaryOptions(BuiltinOperator.MUL, default));
    }

    private static int Pool(ByteFile f, BuiltinOperator code, int kernel, int stride, FusedActivation activation = FusedActivation.NONE)
    {
        int x = f.Input(Image), height = kernel == 0 ? Image[1] : kernel, width = kernel == 0 ? Image[2] : kernel;
        bool isSame = kernel == 3;
        int[] dims = [1, Size(Image[1], height, stride, 1, isSame), Size(Image[2], width, stride, 1, isSame), Image[3]];
        OptionsTable options = new OptionsTable(BuiltinOptions.Pool2D).Byte(0, isSame ? (byte)0 : (byte)1).Int(1, stride).Int(2, stride)
            .Int(3, width).Int(4, height).Byte(5, (byte)activation);
        return f.Move(code, [x], dims, options);
    }

    private static int Mean(ByteFile f, int[] axes, bool keepDims, float scale = 0.021f, int zero = 126)
    {
        int x = f.Input(Image);
        List<int> dims = [];
        for (int axis = 0; axis < Image.Length; axis++)
        {
            if (Array.IndexOf(axes, axis) < 0) dims.Add(Image[axis]);
            else if (keepDims) dims.Add(1);
        }

        return f.Call(BuiltinOperator.MEAN, [x, f.Ints(axes)], [.. dims], f.Grid(scale, zero), new OptionsTable(BuiltinOptions.Reducer).Bool(0, keepDims));
    }

    private static int Joined(ByteFile f, Quantization first, Quantization result)
    {
        int x = f.Input(Image);
        int a = f.Part(x, 0, 2, first.Scales[0] == 0.05f ? null : first), b = f.Part(x, 2, 4);
        return f.Call(BuiltinOperator.CONCATENATION, [a, b], Image, result, new OptionsTable(BuiltinOptions.Concatenation).Int(0, 3));
    }

    private static int Padded(ByteFile f)
    {
        int x = f.Input(Image);
        return f.Move(BuiltinOperator.PAD, [x, f.Pads(0, 0, 1, 2, 0, 1, 0, 0)], [1, 12, 12, 6], new OptionsTable(BuiltinOptions.Pad));
    }

    private static int Reshaped(ByteFile f)
    {
        int x = f.Input(Image);
        return f.Move(BuiltinOperator.RESHAPE, [x, f.Ints(1, 99, 6)], [1, 99, 6], new OptionsTable(BuiltinOptions.Reshape).Ints(0, [1, 99, 6]), 1);
    }

    private static int Transposed(ByteFile f)
    {
        int x = f.Input(Image);
        return f.Move(BuiltinOperator.TRANSPOSE, [x, f.Ints(0, 2, 3, 1)], [1, 11, 6, 9], new OptionsTable(BuiltinOptions.Transpose));
    }

    private static int Softmax(ByteFile f, float scale, float beta)
    {
        int x = f.Input([1, 121], scale);
        return f.Call(BuiltinOperator.SOFTMAX, [x], [1, 121], f.Grid(1f / 256, 0), new OptionsTable(BuiltinOptions.Softmax).Float(0, beta));
    }

    private static int Unary(ByteFile f, BuiltinOperator code, Quantization grid, float scale = 0.05f, BuiltinOptions options = BuiltinOptions.None)
    {
        int x = f.Input(Image, scale);
        return f.Call(code, [x], Image, grid, new OptionsTable(options), code == BuiltinOperator.HARD_SWISH ? 1 : null);
    }

    private static int LeakyRelu(ByteFile f, float alpha, float scale)
    {
        int x = f.Input(Image);
        return f.Call(BuiltinOperator.LEAKY_RELU, [x], Image, f.Grid(scale, 60), new OptionsTable(BuiltinOptions.LeakyRelu).Float(0, alpha));
    }
}
