using System;
using System.IO;
using Thomas.Graphs;
using Thomas.Kernels.OpenCl;
using Thomas.Ops;
using Thomas.Runtime;
using Thomas.Runtime.OpenCl;
using Thomas.Tests.Data;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Runtime.OpenCl;

/// <summary>What the tuner chooses, from measurements that are made up, and what it keeps on disk.</summary>
public sealed class OpenClTunerTests
{
    private const string Gpu = "platform/vendor/device/driver 1";
    private static readonly OpenClLimits Desktop = new(48 << 10, 1024, 132, TileFamily.Local);

    // The clock of all measurements, and what they say.
    private double _now;
    private double _secondsOfTrial = 0.01;
    private int _trials;
    private Func<Product, ProductChoice, double?> _seconds = static (_, _) => 1e-3;
    private Func<ProductChoice, float[]?> _results = static _ => [1, 2, 3];

    [Fact]
    public void What_is_clearly_faster_and_right_is_chosen_and_remembered()
    {
        Product product = Plain(256, 256, 256);
        ProductChoice usual = ProductChoice.Default(product, Desktop), fast = Other(product, 3);
        _seconds = (_, choice) => choice == fast ? 5e-4 : 1e-3;
        OpenClTuner tuner = Tuner(TuneMode.Fast);
        Assert.NotEqual(usual, fast);
        Assert.Equal(fast, tuner.Choose(product));
        Assert.Equal(fast, tuner.Choose(product));
        Assert.Equal(1, _trials);
    }

    [Theory]
    [InlineData(0.99)]
    [InlineData(0.96)]
    public void What_is_hardly_faster_is_not_chosen(double ratio)
    {
        Product product = Plain(256, 256, 256);
        ProductChoice fast = Other(product, 3);
        _seconds = (_, choice) => choice == fast ? 1e-3 * ratio : 1e-3;
        Assert.Null(Tuner(TuneMode.Full).Choose(product));
    }

    [Fact]
    public void What_was_faster_once_and_not_again_is_not_chosen()
    {
        Product product = Plain(256, 256, 256);
        ProductChoice fast = Other(product, 3);
        int times = 0;
        _seconds = (_, choice) => choice == fast && times++ == 0 ? 5e-4 : 1e-3;
        OpenClTuner tuner = Tuner(TuneMode.Fast);
        Assert.Null(tuner.Choose(product));
        Assert.Equal(2, times);
        Assert.Equal(1, tuner.Known);
    }

    [Theory]
    [InlineData(1.5f)]
    [InlineData(float.NaN)]
    public void What_is_faster_and_wrong_is_not_chosen(float wrong)
    {
        Product product = Plain(256, 256, 256);
        ProductChoice first = Other(product, 3), second = Other(product, 5);
        _seconds = (_, choice) => choice == first ? 4e-4 : choice == second ? 5e-4 : 1e-3;
        _results = choice => choice == first ? [1, wrong, 3] : [1, 2, 3];
        Assert.Equal(second, Tuner(TuneMode.Fast).Choose(product));
    }

    [Fact]
    public void What_the_device_cannot_do_is_passed_over()
    {
        Product product = Plain(256, 256, 256);
        ProductChoice usual = ProductChoice.Default(product, Desktop), fast = Other(product, 3);
        _seconds = (_, choice) => choice == fast ? 5e-4 : choice == usual ? 1e-3 : null;
        Assert.Equal(fast, Tuner(TuneMode.Fast).Choose(product));
        _seconds = static (_, _) => null;
        OpenClTuner tuner = Tuner(TuneMode.Fast);
        Assert.Null(tuner.Choose(product));
        Assert.Equal(0, tuner.Known);
        _seconds = static (_, _) => throw new NotEnoughMemoryException("none", 1);
        Assert.Null(tuner.Choose(product));
        Assert.Equal(0, tuner.Known);
    }

    [Fact]
    public void Without_time_nothing_is_measured_and_the_nearest_shape_decides()
    {
        Product product = Plain(256, 256, 256), other = Plain(512, 512, 512);
        ProductChoice fast = Other(product, 3);
        _seconds = (_, choice) => choice == fast ? 5e-4 : 1e-3;
        _secondsOfTrial = 3;
        OpenClTuner tuner = Tuner(TuneMode.Fast, seconds: 200);
        Assert.Equal(fast, tuner.Choose(product));
        int trials = _trials;

        // The time is over in the middle of the second shape, which is then not known.
        _secondsOfTrial = 1e6;
        Assert.Equal(fast, tuner.Choose(other));
        Assert.Equal(trials + 1, _trials);
        Assert.Equal(1, tuner.Known);

        // Other forms and far shapes take the default.
        Assert.Null(tuner.Choose(Plain(512, 512, 8192)));
        Assert.Null(tuner.Choose(product with { FormB = MatrixForm.Columns, LdB = product.K }));
        Assert.Equal(trials + 1, _trials);
    }

    [Fact]
    public void A_near_shape_needs_no_measurement_of_its_own_unless_asked_for()
    {
        Product product = Plain(256, 256, 256), near = Plain(288, 256, 256);
        ProductChoice fast = Other(product, 1);
        _seconds = (_, choice) => choice == fast ? 5e-4 : 1e-3;
        OpenClTuner quick = Tuner(TuneMode.Fast), full = Tuner(TuneMode.Full);
        Assert.Equal(fast, quick.Choose(product));
        Assert.Equal(fast, quick.Choose(near));
        Assert.Equal(1, _trials);
        Assert.Equal(fast, full.Choose(product));
        Assert.Equal(fast, full.Choose(near));
        Assert.Equal(3, _trials);
    }

    [Fact]
    public void A_small_gain_is_not_carried_over_to_another_shape()
    {
        Product product = Plain(256, 256, 256), near = Plain(288, 256, 256);
        ProductChoice fast = Other(product, 3);
        _seconds = (_, choice) => choice == fast ? 1e-3 / 1.07 : 1e-3;
        OpenClTuner tuner = Tuner(TuneMode.Fast);
        Assert.Equal(fast, tuner.Choose(product));
        Assert.Null(tuner.Choose(near));
    }

    [Fact]
    public void The_record_outlives_the_process_and_is_of_one_driver()
    {
        using TemporaryFolder folder = new();
        Product product = Plain(256, 256, 256), other = Plain(64, 1024, 4096);
        ProductChoice fast = Other(product, 3);
        _seconds = (p, choice) => p.M == 256 && choice == fast ? 5e-4 : 1e-3;
        OpenClTuner first = Tuner(TuneMode.Fast, folder.Path);
        Assert.Equal(fast, first.Choose(product));
        Assert.Null(first.Choose(other));
        Assert.Equal(2, _trials);

        OpenClTuner second = Tuner(TuneMode.Fast, folder.Path);
        Assert.Equal(2, second.Known);
        Assert.Equal(fast, second.Choose(product));
        Assert.Null(second.Choose(other));
        Assert.Equal(2, _trials);

        // Another driver, and other limits of the same device, have records of their own.
        Assert.Equal(0, Tuner(TuneMode.Fast, folder.Path, "platform/vendor/device/driver 2").Known);
        Assert.Equal(0, Tuner(TuneMode.Fast, folder.Path, limits: Desktop with { WorkGroup = 64 }).Known);

        // A record under the name of another's is ignored as well.
        string path = Assert.Single(Directory.GetFiles(folder.Path));
        OpenClTuner foreign = Tuner(TuneMode.Fast, folder.Path, "platform/vendor/device/driver 2");
        _ = foreign.Choose(product);
        string own = Assert.Single(Directory.GetFiles(folder.Path), file => file != path);
        File.Copy(path, own, overwrite: true);
        Assert.Equal(0, Tuner(TuneMode.Fast, folder.Path, "platform/vendor/device/driver 2").Known);
    }

    [Theory]
    [InlineData("cut")]
    [InlineData("changed")]
    [InlineData("empty")]
    [InlineData("garbage")]
    [InlineData("folder")]
    public void A_damaged_record_is_ignored_and_written_anew(string damage)
    {
        using TemporaryFolder folder = new();
        Product product = Plain(256, 256, 256);
        ProductChoice fast = Other(product, 3);
        _seconds = (_, choice) => choice == fast ? 5e-4 : 1e-3;
        _ = Tuner(TuneMode.Fast, folder.Path).Choose(product);
        string path = Assert.Single(Directory.GetFiles(folder.Path)), text = File.ReadAllText(path);
        switch (damage)
        {
            case "cut": File.WriteAllText(path, text[..(text.Length / 2)]); break;
            case "changed": File.WriteAllText(path, text.Replace(" 256 ", " 512 ", StringComparison.Ordinal)); break;
            case "empty": File.WriteAllText(path, ""); break;
            case "garbage": File.WriteAllBytes(path, [0xff, 0xfe, 0, 10, 10, 0x80]); break;
            default:
                File.Delete(path);
                Directory.CreateDirectory(path);
                break;
        }

        OpenClTuner tuner = Tuner(TuneMode.Fast, folder.Path);
        Assert.Equal(0, tuner.Known);
        Assert.Equal(fast, tuner.Choose(product));
        Assert.Equal(2, _trials);
        if (damage != "folder") Assert.Equal(text, File.ReadAllText(path));
        Assert.DoesNotContain(Directory.GetFiles(folder.Path), file => file != path);
    }

    [Fact]
    public void Two_processes_on_one_record_lose_nothing()
    {
        using TemporaryFolder folder = new();
        OpenClTuner first = Tuner(TuneMode.Fast, folder.Path), second = Tuner(TuneMode.Fast, folder.Path);
        _ = first.Choose(Plain(256, 256, 256));
        _ = second.Choose(Plain(16, 4096, 64));
        Assert.Equal(2, Tuner(TuneMode.Fast, folder.Path).Known);
    }

    [Fact]
    public void A_record_of_text_that_is_no_choice_is_not_read()
    {
        ProductTuning tuning = new();
        tuning.Add(ProductShape.Of(Plain(8, 9, 10)), null, 1);
        string text = tuning.Write(Gpu);
        Assert.NotNull(ProductTuning.Read(text, Gpu));
        Assert.Null(ProductTuning.Read(text, "other"));
        foreach (string bad in (string[])["", "\n", text + text, text + "\n", "x" + text, text[..^1]]) Assert.Null(ProductTuning.Read(bad, Gpu));
    }

    [Fact]
    public void A_device_is_tuned_on_first_use_and_computes_the_same()
    {
        using TemporaryFolder folder = new();
        OpenClDevice plain = OpenClTesting.RequireDevice();
        OpenClSettings settings = new() { Tune = TuneMode.Fast, BinaryFolder = folder.Path };
        OpenClDevice tuned = new(plain.Info, 0, settings);
        float[] expected = Product(plain), actual = Product(tuned);
        Assert.Single(Directory.GetFiles(folder.Path, "products-*.txt"));
        for (int i = 0; i < expected.Length; i++) Assert.True(MathF.Abs(expected[i] - actual[i]) <= 1e-4f, $"{i}: {actual[i]} instead of {expected[i]}");

        // What was found is used, whatever it is: the same bits each time.
        Assert.Equal(Product(tuned), Product(new OpenClDevice(plain.Info, 0, settings)));
    }

    [Theory]
    [InlineData("", "NVIDIA H200", "", null, null)]
    [InlineData("QUALCOMM", "QUALCOMM Adreno(TM)", "OpenCL 2.0 Adreno(TM) 640", "Registers", "4x8 8x16")]
    [InlineData("QUALCOMM", "QUALCOMM Adreno(TM) 740", "OpenCL 3.0", "Registers", "4x16 8x16")]
    [InlineData("QUALCOMM", "QUALCOMM Adreno(TM)", "OpenCL 3.0 Adreno(TM) 825", "Local", null)]
    [InlineData("QUALCOMM", "QUALCOMM Adreno(TM)", "OpenCL 3.0", "Registers", "4x8 8x16")]
    [InlineData("ARM", "Mali-G610 r0p0", "", "Registers", "8x4 8x8")]
    [InlineData("ARM", "Mali-G615 r0p1", "", "Registers", "4x8 8x16", 5)]
    [InlineData("ARM", "Mali-G615 r0p1", "", "Registers", "4x4 4x4", 6)]
    [InlineData("ARM", "Mali-G68 r0p1", "", "Registers", "4x8 8x8")]
    [InlineData("ARM", "Mali-T628", "", "Local", null)]
    [InlineData("ARM", "Immortalis-G715", "", "Registers", "4x8 8x16")]
    [InlineData("Imagination Technologies", "PowerVR B-Series BXE-4-32", "", "Registers", "8x8 8x8")]
    [InlineData("Samsung", "Xclipse 940", "", null, null)]
    [InlineData("Charm Inc", "Swarm", "", null, null)]
    public void Phones_begin_with_what_is_known_of_them(string vendor, string name, string version, string? family, string? block, int units = 4)
    {
        VendorTiles? found = VendorTiles.Of(vendor, name, version, units);
        Assert.Equal(family, found?.Family.ToString());
        Assert.Equal(block, found?.Block is ItemBlock b ? $"{b.Name} {b.Group.X}x{b.Group.Y}" : null);
        Assert.Equal(found?.Family == TileFamily.Local, found?.Tile is not null);
        if (found?.Block is not ItemBlock known) return;

        // The block is the default of products, in a group of no more than the device allows.
        OpenClLimits limits = new(16 << 10, 128, units, TileFamily.Registers) { Block = known };
        Assert.Equal(known, ProductChoice.Default(Plain(256, 256, 256), limits).Block);
        Assert.True(ProductChoice.Default(Plain(256, 256, 256), limits with { WorkGroup = 16 }).Block.Group.Count <= 16);
        Assert.Equal(new ItemBlock(1, Math.Min(known.Vectors, 2), 2, known.Group), ProductChoice.Default(Plain(1, 3, 7), limits).Block);
    }

    [Fact]
    public void A_kernel_whose_program_is_of_no_use_is_replaced()
    {
        Product product = Plain(256, 256, 256);
        OpenClKernel usual = ProductLaunches.Create("x", product, new OpenClKernelContext(Desktop, static _ => false));
        OpenClProgram bad = usual.Launches[0].Program;
        OpenClKernel second = ProductLaunches.Create("x", product, new OpenClKernelContext(Desktop, program => program == bad));
        OpenClKernel third = ProductLaunches.Create("x", product, new OpenClKernelContext(Desktop, static program => program.Name == "product"));
        Assert.NotEqual(usual.Name, second.Name);
        Assert.Equal("product", second.Launches[0].Program.Name);
        Assert.Equal("direct", third.Launches[^1].Program.Name);
    }

    private static Product Plain(int m, int n, int k) => new() { M = m, N = n, K = k, LdA = k, LdB = n, LdC = n };

    private static ProductChoice Other(Product product, int index) => ProductChoice.Candidates(product, Desktop, 12)[index];

    private static float[] Product(OpenClDevice device)
    {
        GraphBuilder builder = new();
        Value a = builder.Input("a", new TensorType(DType.F32, new Shape(40, 64))), b = builder.Input("b", new TensorType(DType.F32, new Shape(64, 48)));
        using Executable executable = Executable.CompileAsIs(
            builder.Build(builder.Add(OpCatalog.MatMul, [a, b], new MatMulAttributes())), new CompileOptions { OtherDevice = device, Threads = 1 });
        float[] x = new float[40 * 64], w = new float[64 * 48], y = new float[40 * 48];
        Random random = new(1);
        foreach (ref float v in x.AsSpan()) v = random.NextSingle() - 0.5f;
        foreach (ref float v in w.AsSpan()) v = random.NextSingle() - 0.5f;
        executable.Write(0, x);
        executable.Write(1, w);
        executable.Run();
        executable.Read(0, y);
        return y;
    }

    private OpenClTuner Tuner(TuneMode mode, string? folder = null, string device = Gpu, double? seconds = null, OpenClLimits? limits = null) => new(
        limits ?? Desktop, mode, folder, device, product =>
        {
            _trials++;
            return new Trial(this, product);
        },
        () => _now, seconds);

    private sealed class Trial(OpenClTunerTests test, Product product) : IProductTrial
    {
        public void Prepare(ProductChoice choice)
        {
        }

        public double? Measure(ProductChoice choice, double hopeless, int rounds)
        {
            test._now += test._secondsOfTrial;
            return test._seconds(product, choice);
        }

        public float[]? ResultOf(ProductChoice choice) => test._results(choice);

        public void Dispose()
        {
        }
    }
}
