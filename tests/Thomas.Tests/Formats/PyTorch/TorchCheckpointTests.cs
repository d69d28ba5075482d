using System;
using System.Diagnostics;
using System.Linq;
using Xunit;

namespace Thomas.Tests.Formats.PyTorch;

/// <summary>What training scripts save: weights among other objects, averages, modules. Nothing of it is run.</summary>
public sealed class TorchCheckpointTests
{
    private static readonly (string, byte[])[] Storages = [("0", TorchFile.Bytes<float>(1, 2, 3, 4, 5, 6))];

    private static WeightFile Load(PickleBuilder pickle, string? entry = null) =>
        WeightFile.Load(TorchFile.Zip(pickle.End(), Storages), "weights", entry: entry);

    private static string Problem(PickleBuilder pickle, string? entry = null) => Assert.Throws<ModelFormatException>(() => Load(pickle, entry)).Message;

    // A tensor of two numbers, the first of them at the offset.
    private static PickleBuilder Vector(PickleBuilder pickle, string name, int offset) =>
        pickle.Text(name).Tensor("FloatStorage", "0", 6, offset, [2], [1]);

    private static PickleBuilder State(PickleBuilder pickle, int offset, params string[] names)
    {
        pickle.OpenDict();
        foreach (string name in names) Vector(pickle, name, offset);
        return pickle.Ops("u");
    }

    private static float First(WeightFile file, string name) => file.Find(name)!.Data.Floats[0];

    [Theory]
    [InlineData("cargparse\nNamespace\n)\u0081}X\u0002\0\0\0lrG\0\0\0\0\0\0\0\0sb")] // Namespace(lr=0.0)
    [InlineData(
        "cnumpy.core.multiarray\nscalar\ncnumpy\ndtype\nX\u0002\0\0\0f8\u0089\u0088\u0087R(K\u0003X\u0001\0\0\0<NNNtbC\u0008\0\0\0\0\0\0\0\0\u0086R")]
    [InlineData("ccollections\ndefaultdict\nc__builtin__\nlist\n\u0085RX\u0001\0\0\0a]s")] // defaultdict(list, a=[])
    [InlineData("ctorch\ndevice\nX\u0006\0\0\0cuda:0\u0085R")]
    [InlineData("ctorch\nSize\nK\u0001K\u0003\u0086\u0085R")]
    [InlineData("ctorch\nfloat32\n")]
    [InlineData("cfunctools\npartial\nctorch.nn.modules.activation\nReLU\n\u0085R(ctorch.nn.modules.activation\nReLU\n)}Ntb")]
    [InlineData("cpathlib\nPosixPath\nX\u0001\0\0\0/\u0085R")]
    [InlineData("c__builtin__\nset\n]K\u0001a\u0085R")]
    [InlineData("\u008f(K\u0001\u0090")] // a set of protocol 4
    [InlineData("(K\u0001\u0091")] // a frozenset
    [InlineData("ccollections\ndeque\n)RK\u0001a")]
    [InlineData("B\u0003\0\0\0abc")]
    [InlineData("c_codecs\nencode\nX\u0001\0\0\0aX\u0006\0\0\0latin1\u0086R")]
    [InlineData("cdatetime\ndatetime\nC\u0001a\u0085R")]
    [InlineData("comegaconf.dictconfig\nDictConfig\n)\u0081}b")]
    public void An_object_beside_the_weights_is_passed_over(string opcodes)
    {
        PickleBuilder pickle = State(new PickleBuilder().Ops("}(").Text("other").Ops(opcodes).Text("state_dict"), 2, "fc.bias").Ops("u");
        Assert.Equal([3, 4], Load(pickle).Find("fc.bias")!.Data.Floats);
    }

    [Theory]
    [InlineData("cfunctools\npartial\ncposix\nsystem\n\u0085R", "names 'posix.system'")]
    [InlineData("cargparse\nNamespace\n)\u0081}X\u0001\0\0\0acbuiltins\neval\nsb", "names 'builtins.eval'")]
    [InlineData("ctorch._utils\n_rebuild_qtensor\n)R", "names 'torch._utils._rebuild_qtensor'")]
    public void Code_beside_the_weights_is_refused(string opcodes, string problem)
    {
        PickleBuilder pickle = State(new PickleBuilder().Ops("}(").Text("other").Ops(opcodes).Text("state_dict"), 2, "fc.bias").Ops("u");
        Assert.Contains(problem, Problem(pickle), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("state_dict_ema", "state_dict")]
    [InlineData("ema", "model")]
    [InlineData("model_ema", "model_state_dict")]
    public void Averaged_weights_come_first_and_the_key_chooses_others(string average, string plain)
    {
        static PickleBuilder File(string plain, string average) => State(
            State(new PickleBuilder().Ops("}(").Text(plain), 0, "module.fc.bias").Text(average), 4, "fc.bias").Ops("u");
        WeightFile file = Load(File(plain, average));
        Assert.Equal(5, First(file, "fc.bias"));
        Assert.Equal([$"the weights are those under '{average}', an average over the training; '{plain}' was left out"], file.Notes);
        file = Load(File(plain, average), plain);
        Assert.Equal(1, First(file, "fc.bias"));
        Assert.Equal(["'module.' was removed from all names"], file.Notes);
        Assert.Contains($"no entry 'x'; its keys are: '{plain}', '{average}'", Problem(File(plain, average), "x"), StringComparison.Ordinal);
    }

    [Fact]
    public void An_average_of_only_some_weights_is_not_taken()
    {
        WeightFile file = Load(State(State(new PickleBuilder().Ops("}(").Text("model"), 0, "fc.bias", "bn.running_mean").Text("ema"), 4, "fc.bias").Ops("u"));
        Assert.Equal(1, First(file, "fc.bias"));
        Assert.Equal(["the weights are those under 'model'; 'ema' has an average of only some of them; 'ema' was left out"], file.Notes);
    }

    [Fact]
    public void The_only_dict_of_tensors_is_found_under_any_key_and_of_two_none_is_guessed()
    {
        WeightFile file = Load(State(new PickleBuilder().Ops("}(").Text("epoch").Int(3).Text("my_weights"), 0, "fc.bias").Ops("u"));
        Assert.Equal(["the weights are those under 'my_weights'"], file.Notes);
        PickleBuilder two = State(State(new PickleBuilder().Ops("}(").Text("student"), 0, "fc.bias").Text("teacher"), 4, "fc.bias").Ops("u");
        Assert.Contains("several dicts of tensors, under 'student', 'teacher'", Problem(two), StringComparison.Ordinal);
        two = State(State(new PickleBuilder().Ops("}(").Text("student"), 0, "fc.bias").Text("teacher"), 4, "fc.bias").Ops("u");
        Assert.Equal(5, First(Load(two, "teacher"), "fc.bias"));
    }

    [Fact]
    public void Parameters_and_buffers_of_a_module_have_their_names()
    {
        // Sequential(fc, norm), as torch.save(model) writes it.
        PickleBuilder pickle = new PickleBuilder().Global("torch.nn.modules.container", "Sequential").Ops(")").Raw(0x81).Ops("}(").Text("_modules").OpenDict()
            .Text("fc").Global("torch.nn.modules.linear", "Linear").Ops(")").Raw(0x81).Ops("}(").Text("_parameters");
        State(pickle, 0, "bias").Text("_buffers").OpenDict().Ops("u").Text("_modules").OpenDict().Ops("uub");
        pickle.Text("bn").Global("torch.nn.modules.batchnorm", "BatchNorm1d").Ops(")").Raw(0x81).Ops("}(").Text("_parameters").OpenDict().Ops("u");
        State(pickle.Text("_buffers"), 4, "running_mean").Text("_modules").OpenDict().Ops("uub");
        pickle.Ops("uub");
        WeightFile file = Load(pickle);
        Assert.Equal(["fc.bias", "bn.running_mean"], file.Tensors.Select(tensor => tensor.Name));
        Assert.Equal((1, 5), (First(file, "fc.bias"), First(file, "bn.running_mean")));
    }

    [Fact]
    public void Modules_in_a_circle_and_dicts_in_dicts_end_soon()
    {
        Stopwatch watch = Stopwatch.StartNew();
        PickleBuilder circle = new PickleBuilder().Global("torch.nn.modules.container", "Sequential").Ops(")").Raw(0x81).Raw((byte)'q', 0).Ops("}(")
            .Text("_modules").OpenDict().Text("a").Raw((byte)'h', 0).Text("b").Raw((byte)'h', 0).Ops("uub");
        Assert.Contains("nested too deeply or are too many", Problem(circle), StringComparison.Ordinal);

        // Each dict holds the next one under every key that weights may have.
        string[] keys = ["ema", "model_ema", "ema_model", "state_dict", "model", "net", "network", "params", "weights", "module"];
        PickleBuilder nested = new PickleBuilder().Ops("}").Raw((byte)'q', 0);
        for (byte level = 1; level <= 4; level++)
        {
            nested.Ops("}(");
            foreach (string key in keys) nested.Text(key).Raw((byte)'h', (byte)(level - 1));
            nested.Ops("u").Raw((byte)'q', level);
        }

        Assert.Contains("more than 4096 dicts", Problem(nested), StringComparison.Ordinal);
        Assert.InRange(watch.Elapsed.TotalSeconds, 0, 5);
    }

    [Theory]
    [InlineData("module.fc.bias", "fc.bias", "all")]
    [InlineData("_orig_mod.module.fc.bias", "fc.bias", "all")]
    [InlineData("features.module.0.bias", "features.0.bias", "all")]
    public void Names_of_wrappers_are_removed_wherever_they_stand(string stored, string name, string count)
    {
        WeightFile file = Load(State(new PickleBuilder(), 0, stored));
        Assert.Equal(name, Assert.Single(file.Tensors).Name);
        Assert.EndsWith($"was removed from {count} names", file.Notes[0], StringComparison.Ordinal);
        Assert.Equal(["module.fc.bias", "fc.bias"], Load(State(new PickleBuilder(), 0, "module.fc.bias", "fc.bias")).Tensors.Select(tensor => tensor.Name));
    }
}
