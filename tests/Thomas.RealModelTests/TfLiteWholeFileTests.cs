using System;
using System.Collections.Generic;
using System.IO;
using System.Runtime.InteropServices;
using Thomas.Formats.TfLite.Schema;
using Thomas.Formats.TfLite.Writing;
using Thomas.Graphs;
using Thomas.Runtime;
using Xunit;

namespace Thomas.RealModelTests;

/// <summary>
/// Whole small .tflite classifiers with the operators, names and leftovers of the programs that write them: TensorFlow Lite's runtimes and Thomas agree on
/// them, and the runtimes on what Thomas writes of them.
/// </summary>
public sealed class TfLiteWholeFileTests
{
    private const int Side = 12, Width = 8, Classes = 4;

    private static readonly Dictionary<string, Func<byte[]>> Files = new(StringComparer.Ordinal)
    {
        ["Keras"] = static () => new Writer().Keras(),
        ["Keras, attention"] = static () => new Writer().Attention(),
        ["Keras, Conv2DTranspose"] = static () => new Writer().Enlarging(),
        ["Teachable Machine"] = static () => new Writer().TeachableMachine(),
        ["Edge Impulse, 8 bits"] = static () => new Writer().EightBits(),
    };

    public static TheoryData<string> Names => [.. Files.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Its_own_runtimes_agree(string name)
    {
        byte[] file = Files[name]();
        Model model = Model.Load(new MemoryStream(file), "made.tflite");
        float[] image = OnnxSweep.Noise(Side * Side * 3, 5, -1, 1);
        using Executable executable = Executable.Compile(model.Graph, 1, new CompileOptions { Threads = 1 });
        image.CopyTo(executable.Input());
        executable.Run();
        float[] expected = executable.Output().ToArray();
        Assert.Equal(Classes, expected.Length);
        using MemoryStream written = new();
        model.Save(written, ModelFormat.TfLite);

        // Integers of 8 bits: what falls between two steps may fall on either.
        double tolerance = name.Contains("8 bits", StringComparison.Ordinal) ? 3.0 / 256 : 1e-5;
        List<(string, byte[], float[])> jobs = [];
        foreach (string runtime in TfLiteRuntime.Names)
        {
            jobs.Add((runtime, file, image));
            jobs.Add((runtime, written.ToArray(), image));
        }

        foreach ((float[]? output, string? error) in TfLiteRuntime.Run(jobs))
        {
            Assert.True(output is not null, error);
            Assert.Equal(Classes, output.Length);
            for (int i = 0; i < Classes; i++) Assert.Equal(expected[i], output[i], tolerance);
        }
    }

    private sealed class Writer
    {
        private readonly FileGraph _file = new();
        private int _seed;

        public byte[] Keras()
        {
            int x = Input("serving_default_input_1:0"), conv = Conv(x, Width, 3, 2, FusedActivation.RELU6, "sequential/conv2d/Conv2D"),
                depthwise = Depthwise(conv, "sequential/depthwise_conv2d/depthwise");
            int sum = Call(BuiltinOperator.ADD, [conv, depthwise], [1, 6, 6, Width], new OptionsTable(BuiltinOptions.Add).Byte(0, (byte)FusedActivation.RELU));
            int pool = Call(
                BuiltinOperator.MAX_POOL_2D, [sum], [1, 3, 3, Width],
                new OptionsTable(BuiltinOptions.Pool2D).Byte(0, (byte)TfLitePadding.VALID).Int(1, 2).Int(2, 2).Int(3, 2).Int(4, 2));
            int mean = Call(BuiltinOperator.MEAN, [pool, Ints(1, 2)], [1, Width], new OptionsTable(BuiltinOptions.Reducer));
            return Finish(Softmax(Dense(Dense(mean, Width, 6, FusedActivation.RELU), 6, Classes, FusedActivation.NONE)), "StatefulPartitionedCall:0");
        }

        /// <summary>Sizes read off tensors, dense layers that keep their axes, products with the second operand transposed.</summary>
        public byte[] Attention()
        {
            int x = Input("serving_default_input_2:0"), conv = Conv(x, Width, 4, 4, FusedActivation.NONE, "patches"),
                shape = CallOf(TfLiteType.INT32, BuiltinOperator.SHAPE, [conv], [4], new OptionsTable(BuiltinOptions.Shape).Byte(0, (byte)TfLiteType.INT32));
            int batch = CallOf(
                TfLiteType.INT32, BuiltinOperator.STRIDED_SLICE, [shape, Ints(0), Ints(1), Ints(1)], [],
                new OptionsTable(BuiltinOptions.StridedSlice).Int(4, 1));
            int wanted = CallOf(TfLiteType.INT32, BuiltinOperator.PACK, [batch, Number(9), Number(Width)], [3], new OptionsTable((BuiltinOptions)59).Int(0, 3));
            int tokens = Call(BuiltinOperator.RESHAPE, [conv, wanted], [1, 9, Width], OptionsTable.None);
            int[] parts = new int[3];
            for (int i = 0; i < 3; i++)
            {
                int kept = Call(
                    BuiltinOperator.FULLY_CONNECTED, [tokens, Floats([Width, Width]), Floats([Width])], [1, 9, Width],
                    new OptionsTable(BuiltinOptions.FullyConnected).Bool(2, true));
                int heads = Call(BuiltinOperator.RESHAPE, [kept, Ints(1, 9, 2, 4)], [1, 9, 2, 4], OptionsTable.None);
                parts[i] = Call(BuiltinOperator.TRANSPOSE, [heads, Ints(0, 2, 1, 3)], [1, 2, 9, 4], OptionsTable.None);
            }

            int scores = Call(BuiltinOperator.BATCH_MATMUL, [parts[0], parts[1]], [1, 2, 9, 9], new OptionsTable(BuiltinOptions.BatchMatMul).Bool(1, true));
            int weights = Call(BuiltinOperator.SOFTMAX, [scores], [1, 2, 9, 9], new OptionsTable(BuiltinOptions.Softmax).Float(0, 1));
            int mixed = Call(BuiltinOperator.BATCH_MATMUL, [weights, parts[2]], [1, 2, 9, 4], new OptionsTable(BuiltinOptions.BatchMatMul));
            int turned = Call(BuiltinOperator.TRANSPOSE, [mixed, Ints(0, 2, 1, 3)], [1, 9, 2, 4], OptionsTable.None),
                joined = Call(BuiltinOperator.RESHAPE, [turned, Ints(1, 9, Width)], [1, 9, Width], OptionsTable.None);
            int mean = Call(
                BuiltinOperator.MEAN, [Call(BuiltinOperator.ADD, [joined, tokens], [1, 9, Width], new OptionsTable(BuiltinOptions.Add)), Ints(1)], [1, Width],
                new OptionsTable(BuiltinOptions.Reducer));
            return Finish(Softmax(Dense(mean, Width, Classes, FusedActivation.NONE)), "StatefulPartitionedCall:0");
        }

        public byte[] Enlarging()
        {
            int x = Input("serving_default_input_3:0"), conv = Conv(x, Width, 3, 2, FusedActivation.RELU, "conv");
            OptionsTable options = new OptionsTable(BuiltinOptions.TransposeConv).Byte(0, (byte)TfLitePadding.SAME).Int(1, 2).Int(2, 2);
            int large = Call(BuiltinOperator.TRANSPOSE_CONV, [Ints(1, 12, 12, 5), Floats([5, 3, 3, Width]), conv], [1, 12, 12, 5], options);
            int signs = Call(
                BuiltinOperator.MUL, [large, Call(BuiltinOperator.LOGISTIC, [large], [1, 12, 12, 5], OptionsTable.None)], [1, 12, 12, 5],
                new OptionsTable(BuiltinOptions.Mul));
            int mean = Call(BuiltinOperator.MEAN, [signs, Ints(1, 2)], [1, 5], new OptionsTable(BuiltinOptions.Reducer));
            return Finish(Dense(mean, 5, Classes, FusedActivation.NONE), "StatefulPartitionedCall:0");
        }

        /// <summary>
        /// A body and a head that were models of their own: pads before convolutions of stride 2, a pool over all of the image, two dense layers, the first
        /// with ReLU, the second without bias.
        /// </summary>
        public byte[] TeachableMachine()
        {
            int x = Input("sequential_1_input");
            int padded = Call(
                BuiltinOperator.PAD, [x, _file.AddInts("sequential_1/Conv1_pad/Pad/paddings", [0, 0, 0, 1, 0, 1, 0, 0], [4, 2])], [1, 13, 13, 3],
                new OptionsTable(BuiltinOptions.Pad));
            OptionsTable options = new OptionsTable(BuiltinOptions.Conv2D).Byte(0, (byte)TfLitePadding.VALID).Int(1, 2).Int(2, 2)
                .Byte(3, (byte)FusedActivation.RELU6).Int(4, 1, 0).Int(5, 1, 0);
            int conv = Call(BuiltinOperator.CONV_2D, [padded, Floats([Width, 3, 3, 3]), Floats([Width])], [1, 6, 6, Width], options),
                depthwise = Depthwise(conv, "sequential_1/expanded_conv_depthwise_BN/FusedBatchNorm");
            int mean = Call(BuiltinOperator.MEAN, [depthwise, Ints(1, 2)], [1, Width], new OptionsTable(BuiltinOptions.Reducer)),
                hidden = Dense(mean, Width, 10, FusedActivation.RELU);
            int scores = Call(
                BuiltinOperator.FULLY_CONNECTED, [hidden, Floats([Classes, 10]), -1], [1, Classes], new OptionsTable(BuiltinOptions.FullyConnected));
            return Finish(Softmax(scores), "sequential_3/dense_Dense2/Softmax");
        }

        /// <summary>All in 8 bits between QUANTIZE and DEQUANTIZE: weights with a scale for each channel, biases of 32 bits.</summary>
        public byte[] EightBits()
        {
            Quantization images = new([2f / 255], [-1]), maps = new([0.02f], [-128]), means = new([0.01f], [-128]), scores = new([0.03f], [5]),
                shares = new([1f / 256], [-128]);
            int x = Input("serving_default_x:0"),
                q = Grid(BuiltinOperator.QUANTIZE, 1, [x], [1, Side, Side, 3], new OptionsTable(BuiltinOptions.Quantize), images);
            OptionsTable options = new OptionsTable(BuiltinOptions.Conv2D).Byte(0, (byte)TfLitePadding.SAME).Int(1, 2).Int(2, 2)
                .Byte(3, (byte)FusedActivation.RELU).Int(4, 1, 0).Int(5, 1, 0);
            int conv = Grid(BuiltinOperator.CONV_2D, 3, [q, .. Stored([Width, 3, 3, 3], Width, 0, images)], [1, 6, 6, Width], options, maps);
            OptionsTable depthwise = new OptionsTable(BuiltinOptions.DepthwiseConv2D).Byte(0, (byte)TfLitePadding.SAME).Int(1, 1).Int(2, 1).Int(3, 1)
                .Byte(4, (byte)FusedActivation.RELU).Int(5, 1, 0).Int(6, 1, 0);
            int map = Grid(BuiltinOperator.DEPTHWISE_CONV_2D, 3, [conv, .. Stored([1, 3, 3, Width], Width, 3, maps)], [1, 6, 6, Width], depthwise, maps);
            int mean = Grid(BuiltinOperator.MEAN, 2, [map, Ints(1, 2)], [1, Width], new OptionsTable(BuiltinOptions.Reducer), means);
            int dense = Grid(
                BuiltinOperator.FULLY_CONNECTED, 4, [mean, .. Stored([Classes, Width], 1, 0, means)], [1, Classes],
                new OptionsTable(BuiltinOptions.FullyConnected), scores);
            int softmax = Grid(BuiltinOperator.SOFTMAX, 2, [dense], [1, Classes], new OptionsTable(BuiltinOptions.Softmax).Float(0, 1), shares);
            return Finish(
                Call(BuiltinOperator.DEQUANTIZE, [softmax], [1, Classes], new OptionsTable(BuiltinOptions.Dequantize), 2), "StatefulPartitionedCall:0");
        }

        private int Input(string name)
        {
            int tensor = _file.AddTensor(new FileTensor(name, TfLiteType.FLOAT32, [1, Side, Side, 3], default));
            _file.Inputs.Add(tensor);
            return tensor;
        }

        private int Conv(int x, int outputs, int kernel, int stride, FusedActivation activation, string name)
        {
            int size = Side / stride;
            OptionsTable options = new OptionsTable(BuiltinOptions.Conv2D).Byte(0, (byte)TfLitePadding.SAME).Int(1, stride).Int(2, stride)
                .Byte(3, (byte)activation).Int(4, 1, 0).Int(5, 1, 0);
            int result = Call(BuiltinOperator.CONV_2D, [x, Floats([outputs, kernel, kernel, 3]), Floats([outputs])], [1, size, size, outputs], options);
            return _file.Rename(result, name);
        }

        private int Depthwise(int x, string name)
        {
            OptionsTable options = new OptionsTable(BuiltinOptions.DepthwiseConv2D).Byte(0, (byte)TfLitePadding.SAME).Int(1, 1).Int(2, 1).Int(3, 1)
                .Byte(4, (byte)FusedActivation.RELU6).Int(5, 1, 0).Int(6, 1, 0);
            return _file.Rename(Call(BuiltinOperator.DEPTHWISE_CONV_2D, [x, Floats([1, 3, 3, Width]), Floats([Width])], [1, 6, 6, Width], options), name);
        }

        private int Dense(int x, int inputs, int outputs, FusedActivation activation) =>
            Call(
                BuiltinOperator.FULLY_CONNECTED, [x, Floats([outputs, inputs]), Floats([outputs])], [1, outputs],
                new OptionsTable(BuiltinOptions.FullyConnected).Byte(0, (byte)activation));

        private int Softmax(int x) => Call(BuiltinOperator.SOFTMAX, [x], [1, Classes], new OptionsTable(BuiltinOptions.Softmax).Float(0, 1));

        /// <summary>Weights of 8 bits and their bias of 32, whose steps are those of the products.</summary>
        private int[] Stored(int[] dims, int scales, int axis, Quantization input)
        {
            int count = new Shape(dims).ElementCount, outputs = dims.Length == 2 ? dims[0] : Width;
            float[] steps = new float[scales], biasSteps = new float[scales];
            for (int i = 0; i < scales; i++)
            {
                steps[i] = 0.002f + (0.0003f * i);
                biasSteps[i] = steps[i] * input.Scales[0];
            }

            sbyte[] weights = Array.ConvertAll(OnnxSweep.Noise(count, (uint)++_seed, -120, 120), static v => (sbyte)v);
            int[] bias = Array.ConvertAll(OnnxSweep.Noise(outputs, (uint)++_seed, -2000, 2000), static v => (int)v);
            int w = _file.AddTensor(
                new FileTensor(
                    $"weights{_seed}", TfLiteType.INT8, dims, MemoryMarshal.AsBytes(weights.AsSpan()).ToArray(),
                    new Quantization(steps, new int[scales], axis)));
            return [
                w, _file.AddTensor(
                    new FileTensor(
                        $"bias{_seed}", TfLiteType.INT32, [outputs], MemoryMarshal.AsBytes(bias.AsSpan()).ToArray(),
                        new Quantization(biasSteps, new int[scales])))];
        }

        private int Floats(int[] dims) =>
            _file.AddFloats($"arith.constant{++_seed}", dims, OnnxSweep.Noise(new Shape(dims).ElementCount, (uint)_seed, -0.4f, 0.4f));

        private int Ints(params ReadOnlySpan<int> values) => _file.AddInts($"arith.constant{++_seed}", values);

        private int Number(int value) => _file.AddTensor(new FileTensor($"number{++_seed}", TfLiteType.INT32, [], BitConverter.GetBytes(value)));

        private int Call(BuiltinOperator code, int[] inputs, int[] dims, OptionsTable options, int version = 1) =>
            CallOf(TfLiteType.FLOAT32, code, inputs, dims, options, version);

        private int CallOf(TfLiteType type, BuiltinOperator code, int[] inputs, int[] dims, OptionsTable options, int version = 1, Quantization? grid = null)
        {
            int result = _file.AddTensor(new FileTensor($"{code}{++_seed}", type, dims, default, grid));
            _file.Operators.Add(new FileOperator(code, version, inputs, [result], options));
            return result;
        }

        private int Grid(BuiltinOperator code, int version, int[] inputs, int[] dims, OptionsTable options, Quantization grid) =>
            CallOf(TfLiteType.INT8, code, inputs, dims, options, version, grid);

        private byte[] Finish(int output, string name)
        {
            _file.Outputs.Add(_file.Rename(output, name));
            using MemoryStream stream = new();
            FileSerializer.Write(_file, [], stream);
            return stream.ToArray();
        }
    }
}
