using System.Collections.Generic;
using System.Globalization;
using Thomas.Kernels.Activations;

namespace Thomas.Kernels.OpenCl;

/// <summary>Launches of matrix products: which family, which tile, how many pieces the sums are cut into.</summary>
internal static class ProductLaunches
{
    // Workspace and constants are handed out in pieces of this alignment.
    private const long Alignment = 512;
    private const int TransposeTile = 8;

    /// <summary>The macro of sums in 16 bits.</summary>
    public const string HalfSums = "HALF_SUMS";

    /// <summary>
    /// The kernel of a product: as measurements chose it, or else as it is by default; and where a device is known to have no use of that, with a small tile or
    /// with none.
    /// </summary>
    /// <param name="name">What it is for, as names of kernels begin.</param>
    /// <param name="product">The product.</param>
    /// <param name="context">Limits of the device, and what was measured on it.</param>
    public static OpenClKernel Create(string name, Product product, OpenClKernelContext context)
    {
        product = product with { Halves = ProductHalves.Of(product, context.Halves), IsScalar = context.Limits.Vector == 1 };
        if (context.Limits.IsSeparate && (HasEpilogue(product) || product.Moments is not null)) return Separate(name, product, context);
        if (WinogradLaunches.Suits(product, context.Limits))
        {
            OpenClKernel fewer = WinogradLaunches.Create(name, product, context);
            if (product.Moments is not null) fewer = ProductMoments.Apart(fewer, product, context.Limits);
            if (context.CanUse([.. fewer.Launches])) return fewer;
        }

        ProductChoice usual = ProductChoice.Default(product, context.Limits), first = context.Choose?.Invoke(product) ?? usual;
        OpenClKernel kernel = Create(name, product, first, context.Limits);
        foreach (ProductChoice other in (IEnumerable<ProductChoice>)[usual, .. ProductChoice.Replacements(product, context.Limits)])
        {
            if (context.CanUse([.. kernel.Launches])) return kernel;
            kernel = Create(name, product, other, context.Limits);
        }

        if (product.Moments is null || context.CanUse([.. kernel.Launches])) return kernel;
        return ProductMoments.Apart(Create(name, product with { Moments = null }, context), product, context.Limits);
    }

    /// <summary>The kernel of a product, computed in one of the ways that there are.</summary>
    /// <param name="name">What it is for, as names of kernels begin.</param>
    /// <param name="product">The product.</param>
    /// <param name="choice">How; it must serve the product.</param>
    /// <param name="limits">Limits of the device.</param>
    public static OpenClKernel Create(string name, Product product, ProductChoice choice, OpenClLimits limits)
    {
        if (product.Moments is not null && !ProductMoments.Fuses(product, choice, limits))
        {
            return ProductMoments.Apart(Create(name, product with { Moments = null }, choice, limits), product, limits);
        }

        product = product with { A = product.A.As("TA"), B = product.B.As("TB"), C = product.C.As("TC"), Residual = product.Residual?.As("TR") };
        return choice.Tile is ProductTile tile ? InLocalMemory(name, product, tile, choice.Pieces, limits)
            : product.IsFilter ? Filter(name, product, choice, limits)
            : Direct(name, product, choice.Block, limits);
    }

    /// <summary>Numbers of a that are read at once.</summary>
    public static int WidthA(Product product) => product.IsScalar ? 1 : Width(
        product.LdA, product.StepA, product.A,
        product.FormA switch { MatrixForm.Rows => product.K, MatrixForm.Columns => product.M, _ => product.Window.Channels });

    /// <summary>Numbers of b that are read at once.</summary>
    public static int WidthB(Product product) => product.IsScalar ? 1 : Width(
        product.LdB, product.StepB, product.B,
        product.FormB switch { MatrixForm.Rows or MatrixForm.Taps => product.N, MatrixForm.Columns => product.K, _ => product.Window.Channels });

    /// <summary>The launch that adds the pieces of sums in their order.</summary>
    /// <param name="product">What they are pieces of.</param>
    /// <param name="parts">Where they lie, one behind the other.</param>
    /// <param name="pieces">How many there are.</param>
    /// <param name="limits">Limits of the device.</param>
    private static OpenClLaunch SumPieces(Product product, LaunchArgument parts, int pieces, OpenClLimits limits)
    {
        List<(string, string)> macros = Epilogue(product);
        macros.Add(Tile());
        List<LaunchArgument> arguments = [parts, product.C];
        AddEpilogue(arguments, product);
        int floats = checked((int)product.SizeC), pack = !product.IsScalar && floats % 4 == 0 ? 4 : 1, count = floats / pack;

        // Many pieces of a small result are shared by several lines of a group, each of which has some to add.
        const int LeastPieces = 4, EnoughItems = 1024;
        int group = limits.Family == TileFamily.Items ? limits.LoopGroup : limits.SumGroup, height = 1;
        while (limits.Family != TileFamily.Items && height * 4 <= group && height * 2 * LeastPieces <= pieces
            && (long)count * height < (long)limits.ComputeUnits * EnoughItems) height *= 2;
        arguments.AddRange(
            [LaunchArgument.Local(height > 1 ? 4L * sizeof(float) * group : 4 * sizeof(float)), count, pieces, count, product.LdC, height, pack]);
        WorkSize items = new(Up(count, group / height) * height);
        return new OpenClLaunch(OpenClProgram.Of("product_parts", [.. macros]), "sum_pieces", items, new WorkSize(group), [.. arguments]);
    }

    private static bool HasEpilogue(Product product) =>
        product.Bias is not null || product.Residual is not null || product.Activation.Kind != ActivationKind.None;

    /// <summary>Bias, residual and activation of a result that lies there without them, a launch each.</summary>
    public static OpenClLaunch[] Epilogues(Product product, OpenClLimits limits)
    {
        Product plain = product with { Bias = null, Residual = null, Activation = default };
        List<OpenClLaunch> launches = [];
        if (product.Bias is not null) launches.Add(SumPieces(plain with { Bias = product.Bias }, product.C, 1, limits));
        if (product.Residual is not null) launches.Add(SumPieces(plain with { Residual = product.Residual }, product.C, 1, limits));
        Activation activation = product.Activation;
        if (activation.Kind != ActivationKind.None) launches.Add(SumPieces(plain with { Activation = activation }, product.C, 1, limits));
        return [.. launches];
    }

    /// <summary>The product, then bias, residual and activation, a launch each.</summary>
    private static OpenClKernel Separate(string name, Product product, OpenClKernelContext context)
    {
        Product plain = product with { Bias = null, Residual = null, Activation = default, Moments = null };
        OpenClKernel kernel = Create(name, plain, context).Then(Epilogues(product, context.Limits));
        return product.Moments is null ? kernel : ProductMoments.Apart(kernel, product, context.Limits);
    }

    private static OpenClKernel InLocalMemory(string name, Product product, ProductTile tile, int pieces, OpenClLimits limits)
    {
        // Pieces are whole steps, so there may be fewer than was asked for.
        int pieceK = Up((product.K + pieces - 1) / pieces, tile.K), stepPiece = checked((int)product.SizeC);
        pieces = (product.K + pieceK - 1) / pieceK;
        bool split = pieces > 1;
        List<(string, string)> macros =
        [
            ("BM", Text(tile.M)), ("BN", Text(tile.N)), ("BK", Text(tile.K)), ("TM", Text(tile.ItemM)), ("TN", Text(tile.ItemN)),
            ($"A_{product.FormA.ToString().ToUpperInvariant()}", "1"), ($"B_{product.FormB.ToString().ToUpperInvariant()}", "1"),
            ("VA", Text(WidthA(product))), ("VB", Text(WidthB(product))),
            ("VC", !product.IsScalar && product.N % 4 == 0 && product.LdC % 4 == 0 && product.StepC % 4 == 0 && stepPiece % 4 == 0 ? "4" : "1"),
        ];
        AddWindow(macros, product);
        if (!split) macros.AddRange(Epilogue(product));
        List<LaunchArgument> arguments = [product.A, product.B, split ? LaunchArgument.Workspace() : product.C];
        if (!split) AddEpilogue(arguments, product);
        if (product.Moments is not null) ProductMoments.Add(macros, arguments, LaunchArgument.Workspace());
        arguments.AddRange(
            [product.M, product.N, product.K, product.LdA, product.LdB, product.LdC, product.StepA, product.StepB, product.StepC, pieces, pieceK, stepPiece]);
        AddWindow(arguments, product);
        int items = tile.Items;
        WorkSize size = new((product.N + tile.N - 1) / tile.N * items, (product.M + tile.M - 1) / tile.M, checked(product.Count * pieces));
        OpenClLaunch launch = new(OpenClProgram.Of("product", [.. macros]), "product", size, new WorkSize(items), [.. arguments]);
        string fullName = string.Create(CultureInfo.InvariantCulture, $"f32_{name}_{tile.M}x{tile.N}x{tile.K}{(split ? $"_split{pieces}" : "")}");
        return split
            ? new OpenClKernel(fullName, launch, SumPieces(product, LaunchArgument.Workspace(), pieces, limits))
            {
                Workspace = sizeof(float) * (long)stepPiece * pieces,
            }
            : ProductMoments.Joined(fullName, [launch], product, tile.M, 0, limits);
    }

    private static OpenClKernel Direct(string name, Product product, ItemBlock block, OpenClLimits limits)
    {
        List<OpenClLaunch> launches = [];
        int channels = product.K / product.Taps, ldb = product.LdB, stepB = product.StepB, tapB = product.LdB;
        long constants = 0, workspace = 0;
        LaunchArgument b = product.B;
        switch (product.FormB)
        {
            case MatrixForm.Taps:
                ldb = product.Taps * product.LdB;
                break;
            case MatrixForm.Columns:
                int matrices = product.StepB == 0 ? 1 : product.Count;
                long bytes = sizeof(float) * (long)matrices * product.K * product.N;
                if (product.IsConstantB) constants = bytes;
                else workspace = bytes;
                b = product.IsConstantB ? LaunchArgument.Constants() : LaunchArgument.Workspace();
                launches.Add(Transpose(product, b, matrices));
                (ldb, tapB, stepB) = (product.N, channels * product.N, product.StepB == 0 ? 0 : product.K * product.N);
                break;
        }

        List<(string, string)> macros = block.Macros("PRODUCT");
        macros.Add(($"A_{product.FormA.ToString().ToUpperInvariant()}", "1"));
        AddWindow(macros, product);
        if (limits.HasHalfSums && product.Halves.C) macros.Add((HalfSums, "1"));
        macros.AddRange(Epilogue(product));
        List<LaunchArgument> arguments = [product.A, b, product.C];
        AddEpilogue(arguments, product);
        int blocks = product.Moments is null ? 1 : ProductMoments.BlocksOf(product, block, limits);
        if (product.Moments is not null)
        {
            ProductMoments.Add(macros, arguments, LaunchArgument.Workspace(Up(workspace, Alignment)));
            arguments.Add(blocks);
        }

        arguments.AddRange([product.M, product.N, product.LdA, ldb, product.LdC, product.StepA, stepB, product.StepC, tapB]);
        AddWindow(arguments, product with { Window = product.Window with { Channels = channels } });
        WorkSize items = (block with { Rows = block.Rows * blocks }).Items(product.M, product.N, product.Count);
        launches.Add(new OpenClLaunch(OpenClProgram.Of("direct", [.. macros]), "direct", items, block.Group, [.. arguments]));
        return ProductMoments.Joined($"f32_{name}_{block.Name}", launches, product, block.Rows * blocks, workspace, limits, constants);
    }

    private static OpenClKernel Filter(string name, Product product, ProductChoice choice, OpenClLimits limits)
    {
        // The vectors lie along the columns of a, which is the gradient of the convolution's output; the rows are channels of its input.
        bool plain = product.FormB == MatrixForm.Rows;
        int taps = plain ? 1 : product.Taps, channels = plain ? product.N : product.Window.Channels;
        (_, ItemBlock block, int pieces) = choice;
        int stepPiece = checked((int)product.SizeC);
        int piecePixels = (product.K + pieces - 1) / pieces;
        bool split = pieces > 1;
        List<(string, string)> macros = block.Macros("FILTER");
        if (!plain) macros.Add(("A_PATCHES", "1"));
        List<LaunchArgument> arguments = [product.B, product.A, split ? LaunchArgument.Workspace() : product.C];
        arguments.AddRange(
            [channels, product.M, product.LdB, product.LdA, product.StepB, product.StepA, product.StepC, pieces, piecePixels, stepPiece, product.K]);
        ConvGeometry w = product.Window;
        arguments.AddRange(
            [
                w.InH, w.InW, w.OutH, w.OutW, w.KernelW, taps, w.StrideH, w.StrideW, w.DilationH, w.DilationW, w.PadTop, w.PadLeft,
            ]);
        OpenClLaunch launch = new(
            OpenClProgram.Of("direct", [.. macros]), "filter", block.Items(channels, product.M, checked(product.Count * taps * pieces)), block.Group,
            [.. arguments]);
        string fullName = string.Create(CultureInfo.InvariantCulture, $"f32_{name}_{block.Name}{(split ? $"_split{pieces}" : "")}");
        return split
            ? new OpenClKernel(fullName, launch, SumPieces(product, LaunchArgument.Workspace(), pieces, limits))
            {
                Workspace = sizeof(float) * (long)stepPiece * pieces,
            }
            : new OpenClKernel(fullName, launch);
    }

    private static OpenClLaunch Transpose(Product product, LaunchArgument target, int matrices) =>
        Transpose(product.B, target, product.N, product.K, matrices, product.IsConstantB);

    /// <summary>Transposes of matrices.</summary>
    /// <param name="source">Where they lie; macro TB stands for the type of their elements.</param>
    /// <param name="target">Where they go.</param>
    /// <param name="rows">Rows of each.</param>
    /// <param name="columns">Columns of each.</param>
    /// <param name="matrices">How many.</param>
    /// <param name="isOnce">Whether they are constants, and go to the memory of those.</param>
    public static OpenClLaunch Transpose(LaunchArgument source, LaunchArgument target, int rows, int columns, int matrices, bool isOnce) => new(
        OpenClProgram.Of("product_parts", Tile()), "transpose", new WorkSize(columns, rows, matrices), new WorkSize(TransposeTile, TransposeTile),
        [source, target, rows, columns])
    { IsOnce = isOnce };

    private static (string, string) Tile() => ("TILE", Text(TransposeTile));

    /// <summary>Macros of what is done to a result before it is written.</summary>
    internal static List<(string, string)> Epilogue(Product product)
    {
        List<(string, string)> macros = [];
        if (product.Bias is not null) macros.Add(("BIAS", "1"));
        if (product.Residual is not null) macros.Add(("RESIDUAL", "1"));
        if (product.Activation.Kind != ActivationKind.None) macros.Add(ActivationMacros.Value(product.Activation));
        return macros;
    }

    /// <summary>Adds the arguments that those macros ask for.</summary>
    internal static void AddEpilogue(List<LaunchArgument> arguments, Product product)
    {
        if (product.Bias is LaunchArgument bias) arguments.Add(bias);
        if (product.Residual is LaunchArgument residual) arguments.Add(residual);
    }

    private static void AddWindow(List<(string, string)> macros, Product product)
    {
        if (!product.IsBackward) return;
        macros.Add(("BACKWARD", "1"));
        if (product.Window.StrideH > 1 || product.Window.StrideW > 1) macros.Add(("STRIDED", "1"));
    }

    private static void AddWindow(List<LaunchArgument> arguments, Product product)
    {
        ConvGeometry w = product.Window;
        (int imageH, int imageW, int pixelsH, int pixelsW) = product.IsBackward ? (w.OutH, w.OutW, w.InH, w.InW) : (w.InH, w.InW, w.OutH, w.OutW);
        arguments.AddRange(
            [
                imageH, imageW, pixelsH, pixelsW, w.KernelW, product.Taps, w.Channels, w.StrideH, w.StrideW, w.DilationH, w.DilationW, w.PadTop, w.PadLeft,
            ]);
    }

    /// <summary>4 where all vectors of 4 lie at multiples of 16 bytes and none crosses an end.</summary>
    private static int Width(int line, int step, LaunchArgument memory, int inner) =>
        line % 4 == 0 && step % 4 == 0 && inner % 4 == 0 && memory.Value % 16 == 0 ? 4 : 1;

    private static long Up(long value, long step) => (value + step - 1) / step * step;

    private static int Up(int value, int step) => (value + step - 1) / step * step;

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);
}
