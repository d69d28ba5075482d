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
    [InlineData("model", "best_model", "the weights are those under 'model'; 'best_model' was left out")]
    [InlineData("head", "backbone", "the weights are those under 'backbone'; 'head' was left out")]
    [InlineData("encoder", "classifier", "the weights are those under 'encoder'; 'classifier' was left out")]
    [InlineData("critic", "model_ema", "the weights are those under 'model_ema', an average over the training; 'critic' was left out")]
    public void What_is_left_out_is_told(string first, string second, string note)
    {
        WeightFile file = Load(State(State(new PickleBuilder().Ops("}(").Text(first), 0, "fc.bias").Text(second), 4, "fc.bias").Ops("u"));
        Assert.Equal([note], file.Notes);

        // Also where a dict of the script's own wraps it; what holds no tensors is not worth a word.
        PickleBuilder wrapped = State(new PickleBuilder().Ops("}(").Text(first).Ops("}").Text("state_dict"), 0, "fc.bias").Ops("s");
        wrapped = State(wrapped.Text(second).Ops("}").Text("state_dict"), 4, "fc.bias").Ops("s").Text("optimizer").Ops("}").Text("lr").Real(0.1).Ops("s");
        Assert.Equal([note], Load(wrapped.Ops("u")).Notes);
        Assert.Empty(Load(State(new PickleBuilder().Ops("}(").Text("optimizer").Ops("}").Text("model"), 0, "fc.bias").Ops("u")).Notes);
    }

    [Fact]
    public void Notes_of_weights_that_are_not_taken_are_not_told()
    {
        // The average is found at a second average, but is of only some of the weights.
        PickleBuilder pickle = State(new PickleBuilder().Ops("}(").Text("ema").Ops("}(").Text("model_ema"), 0, "fc.bias");
        pickle = State(pickle.Ops("u").Text("model"), 4, "fc.bias", "fc.weight").Ops("u");
        WeightFile file = Load(pickle);
        Assert.Equal(5, First(file, "fc.bias"));
        Assert.Equal(["the weights are those under 'model'; 'ema' has an average of only some of them; 'ema' was left out"], file.Notes);
    }

    // What is stored once can be recalled for two bytes, any number of times: each use has to count, or a small file takes all memory or hours.
    [Fact]
    public void Values_that_are_recalled_again_and_again_are_counted()
    {
        PickleBuilder copies = new PickleBuilder().Ops("](");
        for (int i = 0; i < 2_000; i++) copies.Text($"{i}").Ops("N\u0086");
        copies.Ops("e").Raw((byte)'q', 0).Ops("]");
        for (int i = 0; i < 1_000; i++) copies.Global("collections", "OrderedDict").Raw((byte)'h', 0).Ops("\u0085Ra");
        Assert.Contains("makes more than 1048576 values", Problem(copies), StringComparison.Ordinal);

        PickleBuilder keys = new PickleBuilder().Text(new string('k', 1 << 20)).Raw((byte)'q', 0).Ops("}(");
        for (int i = 0; i < 100; i++) keys.Raw((byte)'h', 0).Ops("N");
        Assert.Contains("keys of its dicts have more than 67108864 characters", Problem(keys.Ops("u")), StringComparison.Ordinal);

        PickleBuilder axes = State(new PickleBuilder(), 0, "a").Text("b").Tensor("FloatStorage", "0", 6, 0, new long[65], new long[65]).Ops("s");
        Assert.Contains("a call that builds a Tensor has wrong arguments", Problem(axes), StringComparison.Ordinal);
        PickleBuilder key = new PickleBuilder().OpenDict().Text("a").Tensor("FloatStorage", new string('0', 65), 6, 0, [2], [1]).Ops("u");
        Assert.Contains("the key of a storage has 65 characters", Problem(key), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(100, 1_000, 1, "its modules have more than 65536 tensors")]
    [InlineData(2, 10, 1 << 20, "the names of its modules and their tensors have more than 16777216 characters")]
    [InlineData(10, 5, 1, null)]
    public void A_module_that_is_listed_under_many_names_is_counted_each_time(int children, int tensors, int nameLength, string? problem)
    {
        PickleBuilder pickle = new PickleBuilder().OpenDict().Text("0").Tensor("FloatStorage", "0", 6, 0, [2], [1]).Raw((byte)'q', 0);
        for (int i = 1; i < tensors; i++) pickle.Text($"{i}").Raw((byte)'h', 0);
        pickle.Ops("u").Raw((byte)'q', 1).Global("torch.nn.modules.linear", "Linear").Ops(")").Raw(0x81).Ops("}(")
            .Text("_parameters").Raw((byte)'h', 1).Text("_modules").Ops("}ub").Raw((byte)'q', 2);
        pickle.Global("torch.nn.modules.container", "Sequential").Ops(")").Raw(0x81).Ops("}(").Text("_modules").OpenDict();
        for (int i = 0; i < children; i++) pickle.Text($"{i}".PadLeft(nameLength, 'm')).Raw((byte)'h', 2);
        pickle.Ops("uub");
        if (problem is null) Assert.Equal(children * tensors, Load(pickle).Tensors.Count);
        else Assert.Contains(problem, Problem(pickle), StringComparison.Ordinal);
    }

    [Fact]
    public void A_dict_that_is_listed_under_many_names_is_not_searched_without_end()
    {
        PickleBuilder pickle = new PickleBuilder().Ops("}(");
        for (int i = 0; i < 20_000; i++) pickle.Text($"{i}").Ops("N");
        pickle.Ops("u").Raw((byte)'q', 0).Ops("}(");
        for (int i = 0; i < 1_000; i++) pickle.Text($"{i}").Raw((byte)'h', 0);
        Assert.Contains("more than 4194304 entries would have to be looked at", Problem(pickle.Ops("u")), StringComparison.Ordinal);

        // A message names some of the dicts that there are.
        PickleBuilder several = State(new PickleBuilder(), 0, "fc.bias").Raw((byte)'q', 0).Ops("}(");
        for (int i = 0; i < 1_000; i++) several.Text($"{i}").Raw((byte)'h', 0);
        Assert.Contains("under '0', '1', '2', '3', '4', '5', '6', '7', 992 more; say", Problem(several.Ops("u")), StringComparison.Ordinal);
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
