using System;
using System.Collections.Generic;
using System.Globalization;

namespace Thomas.Kernels.OpenCl;

/// <summary>
/// Convolutions with stride 1, and both of their gradients, by Winograd's algorithm F(2 x 2, 3 x 3): transforms of tiles and filters, 16 matrix products with
/// 4 / 9 of the multiplications, a transform of the results. Larger windows are sums of parts of 3 x 3: 5 x 5 takes 16 / 25. Rounding grows by a small factor:
/// each transform adds up to 16 numbers. Results of a tile become NaN together.
/// Source: Lavin and Gray, Fast Algorithms for Convolutional Neural Networks (2016).
/// </summary>
internal static class WinogradLaunches
{
    private const string File = "winograd";
    private const int Places = 16, TileSide = 2, PartSide = 3;

    // Images are taken in slices where that is less than all of them, which costs: the products are smaller and the launches more. Measured on an H200, a step
    // of AlexNet at batch 64: slices of 32 MiB 7.7 ms, 64 7.2, 128 6.8, 512 6.5.
    private const long MostBytes = 256 << 20;
    private const int PartOfMemory = 64, PartOfBuffer = 4;

    // Operations that a device does while it moves a byte, half of which stays in its caches: fewer multiplications must pay for the transforms' traffic.
    private const double OperationsOfByte = 5;

    /// <summary>Bytes of transforms that a device may have at a time.</summary>
    /// <param name="memory">Bytes of its memory.</param>
    /// <param name="buffer">Bytes of its largest buffer.</param>
    public static long BytesOn(long memory, long buffer) => Math.Min(MostBytes, Math.Min(memory / PartOfMemory, buffer / PartOfBuffer));

    /// <summary>Whether a product is a convolution that is computed so on a device.</summary>
    /// <param name="product">The product.</param>
    /// <param name="limits">Limits of the device.</param>
    public static bool Suits(Product product, OpenClLimits limits)
    {
        ConvGeometry w = product.Window;
        bool gathers = product.FormA == MatrixForm.Patches || product.FormB == MatrixForm.Patches;
        if (limits.Winograd == WinogradUse.Never || !gathers || product.Count != 1 || product.Taps == 1) return false;
        if (w.StrideH != 1 || w.StrideW != 1 || w.DilationH != 1 || w.DilationW != 1) return false;
        Sides s = new(product);
        return s.BytesOfImage <= limits.WinogradBytes && (limits.Winograd == WinogradUse.Always || s.Pays(product));
    }

    /// <summary>The kernel of a product that it suits.</summary>
    /// <param name="name">What it is for, as names of kernels begin.</param>
    /// <param name="product">The product.</param>
    /// <param name="context">Limits of the device, and what was measured on it.</param>
    public static OpenClKernel Create(string name, Product product, OpenClKernelContext context)
    {
        bool isFilter = product.FormB == MatrixForm.Patches;
        Sides s = new(product);
        int most = (int)Math.Clamp(context.Limits.WinogradBytes / s.BytesOfImage, 1, s.Images), images = ColumnPlan.Up(s.Images, ColumnPlan.Up(s.Images, most));

        // What the products take of the workspace for themselves comes first.
        long own = 0;
        foreach (int some in (int[])[images, s.Images - (images * (ColumnPlan.Up(s.Images, images) - 1))])
            own = Math.Max(own, Inner(isFilter, s, some, new Places3(0, 0, 0), false, product, context).Workspace);
        long tiles = (long)images * s.TilesOfImage, filterBytes = Aligned(sizeof(float) * (long)Places * s.Parts * s.Inputs * s.Outputs);
        Places3 at = new(Aligned(own), 0, 0);
        at = at with { Second = at.First + Aligned(sizeof(float) * Places * tiles * s.Inputs * s.Parts) };
        at = at with { Filter = at.Second + Aligned(sizeof(float) * Places * tiles * s.Outputs) };
        bool keeps = !isFilter && product.IsConstantB;
        List<OpenClLaunch> launches = [];
        LaunchArgument filters = keeps ? LaunchArgument.Constants() : LaunchArgument.Workspace(at.Filter);
        if (!isFilter) launches.Add(Filters(product, s, filters, keeps, context.Limits));
        for (int first = 0; first < s.Images; first += images)
        {
            int count = Math.Min(images, s.Images - first);
            LaunchArgument x = isFilter ? product.B : product.A;
            launches.Add(Tiles(
                "data", s.Inputs, count * s.Parts, s, x.As("TX"), LaunchArgument.Workspace(at.First),
                [s.H, s.W, first, s.Top, s.Left, s.Parts, s.PartsW], context.Limits));
            if (isFilter)
            {
                launches.Add(Tiles(
                    "slopes", s.Outputs, count, s, product.A, LaunchArgument.Workspace(at.Second), [s.ResultH, s.ResultW, first], context.Limits));
            }

            launches.AddRange(Inner(isFilter, s, count, at, first > 0, product, context).Launches);
            if (!isFilter) launches.Add(Results(product, s, count, first, at, context.Limits));
        }

        if (isFilter) launches.Add(Gradients(product, s, at, context.Limits));
        return new OpenClKernel($"f32_{name}_winograd", [.. launches])
        {
            Workspace = keeps ? at.Filter : at.Filter + filterBytes,
            Constants = keeps ? filterBytes : 0,
        };
    }

    /// <summary>The products of some images' tiles: with filters, or with gradients to those of filters, added to what earlier images gave.</summary>
    private static OpenClKernel Inner(bool isFilter, Sides s, int images, Places3 at, bool adds, Product outer, OpenClKernelContext context)
    {
        int tiles = checked(images * s.TilesOfImage), inputs = s.Parts * s.Inputs;
        LaunchArgument data = LaunchArgument.Workspace(at.First), second = LaunchArgument.Workspace(at.Second), filter = LaunchArgument.Workspace(at.Filter);
        Product product = isFilter
            ? new Product
            {
                M = s.Outputs,
                N = inputs,
                K = tiles,
                FormA = MatrixForm.Columns,
                LdA = s.Outputs,
                LdB = inputs,
                LdC = inputs,
                StepA = checked(tiles * s.Outputs),
                StepB = checked(tiles * inputs),
                StepC = inputs * s.Outputs,
                A = second,
                B = data,
                C = filter,
                Residual = adds ? filter : null,
            }
            : new Product
            {
                M = tiles,
                N = s.Outputs,
                K = inputs,
                FormB = outer.IsBackward ? MatrixForm.Rows : MatrixForm.Columns,
                LdA = inputs,
                LdB = outer.IsBackward ? s.Outputs : inputs,
                LdC = s.Outputs,
                StepA = checked(tiles * inputs),
                StepB = inputs * s.Outputs,
                StepC = checked(tiles * s.Outputs),
                A = data,
                B = outer.IsConstantB ? LaunchArgument.Constants() : filter,
                C = second,
            };

        // What is added lies where the sums go, so that must happen in the product itself.
        return ProductLaunches.Create("winograd", product with { Count = Places }, context with { Limits = context.Limits with { IsSeparate = false } });
    }

    private static OpenClLaunch Filters(Product product, Sides s, LaunchArgument target, bool isOnce, OpenClLimits limits)
    {
        int channels = product.IsBackward ? s.Outputs : s.Inputs, vector = VectorOf(channels, limits);
        int count = checked(s.Parts * s.Inputs * s.Outputs / vector);
        return new OpenClLaunch(
            Program(vector), "filters", new WorkSize(count), new WorkSize(limits.LoopGroup),
            [product.B, target, count, channels, s.Parts, s.PartsW, product.Window.KernelH, product.Window.KernelW, product.IsBackward ? 1 : 0])
        { IsOnce = isOnce };
    }

    private static OpenClLaunch Tiles(
        string function, int channels, int copies, Sides s, LaunchArgument from, LaunchArgument to, LaunchArgument[] rest, OpenClLimits limits)
    {
        int vector = VectorOf(channels, limits), count = checked(copies * s.TilesOfImage * (channels / vector));
        return new OpenClLaunch(
            Program(vector), function, new WorkSize(count), new WorkSize(limits.LoopGroup), [from, to, count, channels, s.TilesH, s.TilesW, .. rest]);
    }

    private static OpenClLaunch Results(Product product, Sides s, int images, int first, Places3 at, OpenClLimits limits)
    {
        int vector = VectorOf(s.Outputs, limits), count = checked(images * s.TilesOfImage * (s.Outputs / vector));
        List<(string, string)> macros = [("V", Text(vector)), ("RESULT", "1"), .. ProductLaunches.Epilogue(product)];
        List<LaunchArgument> arguments = [LaunchArgument.Workspace(at.Second), product.C.As("TC")];
        ProductLaunches.AddEpilogue(arguments, product with { Residual = product.Residual?.As("TR") });
        return new OpenClLaunch(
            OpenClProgram.Of(File, [.. macros]), "results", new WorkSize(count), new WorkSize(limits.LoopGroup),
            [.. arguments, count, s.Outputs, s.TilesH, s.TilesW, s.ResultH, s.ResultW, first]);
    }

    private static OpenClLaunch Gradients(Product product, Sides s, Places3 at, OpenClLimits limits)
    {
        int vector = VectorOf(s.Inputs, limits), count = checked(s.Parts * s.Inputs * s.Outputs / vector);
        return new OpenClLaunch(
            Program(vector), "gradients", new WorkSize(count), new WorkSize(limits.LoopGroup),
            [LaunchArgument.Workspace(at.Filter), product.C, count, s.Inputs, s.Parts, s.PartsW, product.Window.KernelH, product.Window.KernelW]);
    }

    private static OpenClProgram Program(int vector) => OpenClProgram.Of(File, ("V", Text(vector)));

    private static int VectorOf(int channels, OpenClLimits limits) => channels % limits.Vector == 0 ? limits.Vector : 1;

    private static long Aligned(long bytes) => (bytes + 511) / 512 * 512;

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);

    /// <summary>Where the parts of the workspace begin: transformed data, what belongs to the result's channels, filters.</summary>
    private readonly record struct Places3(long First, long Second, long Filter);

    /// <summary>
    /// Sizes of the images that are read, and of those that tiles of 2 x 2 cover; the window's distance before the first pixel; and its parts.
    /// </summary>
    private readonly struct Sides
    {
        public Sides(Product product)
        {
            ConvGeometry w = product.Window;
            Images = w.Batch;
            (H, W, ResultH, ResultW) = product.IsBackward ? (w.OutH, w.OutW, w.InH, w.InW) : (w.InH, w.InW, w.OutH, w.OutW);
            (Top, Left) = product.IsBackward ? (w.KernelH - 1 - w.PadTop, w.KernelW - 1 - w.PadLeft) : (w.PadTop, w.PadLeft);
            Inputs = w.Channels;
            Outputs = product.FormB == MatrixForm.Patches ? product.M : product.N;
            (int partsH, PartsW) = (ColumnPlan.Up(w.KernelH, PartSide), ColumnPlan.Up(w.KernelW, PartSide));
            Parts = partsH * PartsW;
            (TilesH, TilesW) = (ColumnPlan.Up(ResultH, TileSide), ColumnPlan.Up(ResultW, TileSide));
        }

        public int Images { get; }

        public int H { get; }

        public int W { get; }

        public int ResultH { get; }

        public int ResultW { get; }

        public int Top { get; }

        public int Left { get; }

        public int Inputs { get; }

        public int Outputs { get; }

        public int Parts { get; }

        public int PartsW { get; }

        public int TilesH { get; }

        public int TilesW { get; }

        public int TilesOfImage => TilesH * TilesW;

        public long BytesOfImage => sizeof(float) * (long)Places * TilesOfImage * ((Parts * Inputs) + Outputs);

        /// <summary>Whether the multiplications that are saved cost more than moving transforms to memory and back.</summary>
        public bool Pays(Product product)
        {
            double pairs = (double)Inputs * Outputs, direct = (double)product.Taps * ResultH * ResultW;
            double saved = 2 * Images * pairs * (direct - (Places * Parts * TilesOfImage));
            double bytes = (2.0 * Images * BytesOfImage) + (product.IsConstantB ? 0 : 2 * sizeof(float) * Places * Parts * pairs);
            return saved > OperationsOfByte * bytes;
        }
    }
}

/// <summary>Where convolutions are computed by Winograd's algorithm.</summary>
internal enum WinogradUse
{
    /// <summary>Where it saves more multiplications than its transforms cost.</summary>
    WhereItPays,

    /// <summary>Nowhere.</summary>
    Never,

    /// <summary>Wherever it is possible.</summary>
    Always,
}
