using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using Thomas.Kernels;
using Thomas.Kernels.Activations;
using Thomas.Kernels.OpenCl;
using Thomas.Runtime.OpenCl;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Runtime.OpenCl;

/// <summary>
/// Matrix products in all the ways that there are: each gives the result of the default, whose result the sweep compares with the definition.
/// </summary>
public sealed class OpenClProductTests
{
    private static readonly OpenClLimits Desktop = new(48 << 10, 1024, 132, TileFamily.Local);

    /// <summary>Odd sizes in all forms: plain ones, groups of patches, gradients of inputs and filters.</summary>
    private static readonly Dictionary<string, Product> Products = new()
    {
        ["rows x columns"] = new Product
        {
            M = 37,
            N = 29,
            K = 71,
            FormB = MatrixForm.Columns,
            LdA = 71,
            LdB = 71,
            LdC = 29,
            Bias = LaunchArgument.Input(2),
            Residual = LaunchArgument.Input(
                3),
            Activation = Activation.Relu,
        },
        ["columns x rows"] = new Product
        {
            M = 36,
            N = 28,
            K = 519,
            FormA = MatrixForm.Columns,
            LdA = 36,
            LdB = 28,
            LdC = 28,
            Bias = LaunchArgument.Input(2),
            Residual = LaunchArgument.Input(
                3),
            Activation = Activation.Relu,
        },
        ["patches"] = new Product
        {
            M = 2 * 7 * 5,
            N = 8,
            K = 9 * 4,
            Count = 2,
            FormA = MatrixForm.Patches,
            FormB = MatrixForm.Columns,
            LdA = 8,
            LdB = 36,
            LdC = 16,
            StepA = 4,
            StepB = 288,
            StepC = 8,
            Window = new ConvGeometry(2, 13, 9, 4, 8, 7, 5, 3, 3, 2, 2, PadTop: 1, PadLeft: 1),
        },
        ["filter"] = new Product
        {
            M = 11,
            N = 27,
            K = 2 * 14 * 16,
            FormA = MatrixForm.Columns,
            FormB = MatrixForm.Patches,
            LdA = 11,
            LdB = 3,
            LdC = 27,
            StepB = 3,
            Window = new ConvGeometry(2, 28, 31, 3, 3, 14, 16, 3, 3, 2, 2, PadTop: 1, PadLeft: 1),
        },
    };

    public static TheoryData<string> Names => [.. Products.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Pieces_of_sums_add_up_whatever_their_number(string name)
    {
        using OpenClProductTrial trial = new(Device("tiles=local units=132"), Products[name]);
        Product product = Products[name];
        ProductTile tile = ProductTile.All.First(t => t is { M: 32, N: 32, K: 16, ItemM: 4 });
        float[] whole = Result(trial, new ProductChoice(tile, default, 1));
        Assert.True(whole.Count(static v => v != 0) > whole.Length / 3);
        foreach (int pieces in (int[])[2, 3, 5, 16, 17, 64, 259])
        {
            if (new ProductChoice(tile, default, pieces).Serves(product, Desktop))
            {
                AssertClose(whole, Result(trial, new ProductChoice(tile, default, pieces)), product.K);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Blocks_of_items_give_the_result_of_the_default(string name)
    {
        OpenClDevice device = Device("tiles=registers units=8");
        Product product = Products[name];
        using OpenClProductTrial trial = new(device, product);
        float[] expected = Result(trial, ProductChoice.Default(product, device.Limits));
        ProductChoice[] blocks = [.. ProductChoice.All(product, device.Limits).Where(static c => c.Tile is null)];
        Assert.True(blocks.Length > 8);

        // Some of each kind: rows, vectors, groups, pieces.
        for (int i = 1; i < blocks.Length; i += 1 + (blocks.Length / 6)) AssertClose(expected, Result(trial, blocks[i]), product.K);
    }

    [Theory]
    [InlineData("local:256x128x8:16x8:1")]
    [InlineData("local:128x256x8:8x16:1")]
    [InlineData("local:128x128x16:16x8:1")]
    [InlineData("local:128x16x16:8x4:1")]
    [InlineData("local:16x64x32:4x4:1")]
    [InlineData("local:32x128x16:4x8:1")]
    public void Tiles_give_the_result_of_the_default(string name)
    {
        OpenClDevice device = Device("tiles=local units=8");
        ProductChoice? choice = ProductChoice.Parse(name);
        Assert.NotNull(choice);
        bool any = false;
        foreach (Product product in Products.Values)
        {
            if (!choice.Serves(product, device.Limits)) continue;
            using OpenClProductTrial trial = new(device, product);
            AssertClose(Result(trial, ProductChoice.Default(product, device.Limits)), Result(trial, choice), product.K);
            any = true;
        }

        if (!any && choice.Tile!.LocalBytes > device.Limits.LocalBytes / 2) Assert.Skip("The device's local memory is too small for this tile.");
        Assert.True(any);
    }

    [Fact]
    public void A_tile_whose_loads_cannot_be_shared_does_not_fit()
    {
        // 64 items cannot read lines of 128 single numbers.
        Product product = new() { M = 101, N = 13, K = 900, FormA = MatrixForm.Columns, LdA = 101, LdB = 13, LdC = 13 };
        Assert.False(ProductTile.All.First(static t => t is { M: 128, N: 16 }).Fits(product, Desktop));
        Assert.True(ProductTile.All.First(static t => t is { M: 128, N: 16 }).Fits(product with { M = 100, LdA = 100 }, Desktop));
        Assert.NotNull(ProductTile.Choose(product, Desktop));
    }

    [Fact]
    public void Items_of_many_sums_are_for_desktops()
    {
        Product product = Products["rows x columns"];
        ProductTile tile = ProductTile.Of(256, 128, 8, 16, 8)!;
        Assert.True(tile.Fits(product, Desktop));
        Assert.False(tile.Fits(product, Desktop with { LocalBytes = 32 << 10 }));
    }

    [Fact]
    public void All_choices_serve_and_are_told_apart_by_their_names()
    {
        foreach (OpenClLimits limits in (OpenClLimits[])[Desktop, Desktop with { Family = TileFamily.Registers, WorkGroup = 64, LocalBytes = 16 << 10 },
            Desktop with { Family = TileFamily.Items, VectorWidth = 16, ComputeUnits = 2 }])
        {
            foreach (Product product in Products.Values)
            {
                IReadOnlyList<ProductChoice> all = ProductChoice.All(product, limits);
                Assert.Equal(ProductChoice.Default(product, limits), all[0]);
                Assert.All(all, choice => Assert.True(choice.Serves(product, limits), choice.Name));
                Assert.Equal(all.Count, all.Select(static choice => choice.Name).Distinct().Count());
                Assert.All(all, choice => Assert.Equal(choice, ProductChoice.Parse(choice.Name)));
            }
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("local:1x2x3:4x4:1")]
    [InlineData("local:128x128x16:8x8")]
    [InlineData("local:128x128x16:8x8:0")]
    [InlineData("local:128x128x16:8x8:1:1")]
    [InlineData("items:4x2x3:8x16:1")]
    [InlineData("items:4x2x4:8x0:1")]
    [InlineData("items:4x2x4:99999999x99999999:1")]
    [InlineData("items:-4x2x4:8x16:1")]
    [InlineData("items:4x2x4:8x16:-1")]
    [InlineData("other:4x2x4:8x16:1")]
    public void What_is_no_choice_is_not_read(string text) => Assert.Null(ProductChoice.Parse(text));

    private static OpenClDevice Device(string settings)
    {
        OpenClDevice device = OpenClTesting.RequireDevice();
        return OpenClDevice.Open(int.Parse(device.Name["opencl:".Length..], CultureInfo.InvariantCulture), OpenClSettings.Parse(settings));
    }

    private static float[] Result(OpenClProductTrial trial, ProductChoice choice)
    {
        float[]? result = trial.ResultOf(choice);
        Assert.NotNull(result);
        return result;
    }

    /// <summary>Sums of so many numbers up to 1 differ by roundings alone.</summary>
    private static void AssertClose(float[] expected, float[] actual, int terms)
    {
        Assert.Equal(expected.Length, actual.Length);
        float most = 4e-7f * terms;
        for (int i = 0; i < expected.Length; i++)
            Assert.True(MathF.Abs(expected[i] - actual[i]) <= most, $"{i} of {actual.Length}: {actual[i]} instead of {expected[i]}");
    }
}
