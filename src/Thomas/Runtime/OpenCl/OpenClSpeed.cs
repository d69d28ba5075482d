using System;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Text;
using System.Threading;
using Thomas.Graphs;
using Thomas.Kernels.OpenCl;
using Thomas.Planning;

namespace Thomas.Runtime.OpenCl;

/// <summary>
/// Predicts how long launches take, to cut those that would keep the device from drawing, or that its driver would take for a fault. Nothing is measured while
/// everything is short even by a cautious guess. Otherwise a product and a copy are timed once, and kept on disk by device and driver.
/// </summary>
/// <param name="device">The device.</param>
internal sealed class OpenClSpeed(OpenClDevice device)
{
    private const string Magic = "THOMASCLSPEED1";
    private const int MostBytes = 1 << 10, Rounds = 3;

    // Convolutions and their gradients reach about half of a plain product's speed, depthwise ones and element-wise functions the shares of CostModel.Nominal.
    private const double ShareOfProducts = 0.5;

    private const double NodeSeconds = 5e-6;
    private const double LeastRate = 1e6, MostRate = 1e16;

    // A screen still looks smooth, and no driver takes it for a fault.
    private const double MostMilliseconds = 20;

    // No launch is cut into more: their number would cost more than the device gains.
    private const int MostPieces = 1 << 16;

    private readonly Lock _lock = new();
    private CostModel? _measured;

    /// <summary>The rates that launches are cut by where the guess is not enough: measured when they are first asked for, or the guess.</summary>
    public CostModel Rates
    {
        get
        {
            lock (_lock) return _measured ??= Read() ?? Measure() ?? Guess;
        }
    }

    /// <summary>Rates that a device of this kind surpasses: 1 TFLOP/s where it has memory of its own, 20 GFLOP/s where it shares the host's.</summary>
    public CostModel Guess { get; private set; } = device.Info.IsUnified || device.Info.Kind != "gpu" ? Model(10e9, 5e9) : Model(500e9, 100e9);

    // A CPU draws nothing, and nothing watches over its launches.
    private double Limit => (device.Settings.LaunchMilliseconds ?? (device.Info.Kind == "cpu" ? 0 : MostMilliseconds)) * 1e-3;

    /// <summary>Takes some rates as guessed and measured, in tests.</summary>
    public void Assume(CostModel rates)
    {
        lock (_lock) (Guess, _measured) = (rates, rates);
    }

    /// <summary>How many launches a launch of a node should be. One of several of a node is taken for all of it.</summary>
    public int Pieces(Node node) => Pieces(rates => Math.Max(rates.Seconds(node), node.Cost.Bytes / rates.Bandwidth));

    /// <summary>How many launches a launch should be that takes as long as these nodes together.</summary>
    public int Pieces(ReadOnlySpan<PlacedKernel> kernels)
    {
        Node[] nodes = new Node[kernels.Length];
        for (int i = 0; i < nodes.Length; i++) nodes[i] = kernels[i].Node;
        return Pieces(rates =>
        {
            double seconds = 0;
            foreach (Node node in nodes) seconds += rates.Seconds(node);
            return seconds;
        });
    }

    /// <summary>How many launches one of a product should be.</summary>
    public int Pieces(Product product)
    {
        double multiplyAdds = (double)product.M * product.N * product.K * product.Count;
        return Pieces(rates => multiplyAdds / rates.ProductRate);
    }

    /// <summary>How many launches one should be that took so many seconds; 0 if it was short enough.</summary>
    public int PiecesOf(double seconds) => Limit <= 0 || seconds <= Limit ? 0 : (int)Math.Min(MostPieces, Math.Ceiling(seconds / Limit));

    private int Pieces(Func<CostModel, double> seconds) => PiecesOf(seconds(Guess)) == 0 ? 1 : Math.Max(1, PiecesOf(seconds(Rates)));

    private static CostModel Model(double productRate, double bandwidth)
    {
        CostModel nominal = CostModel.Nominal;
        return new CostModel(
            productRate, productRate * nominal.DepthwiseRate / nominal.ProductRate, productRate * nominal.ElementwiseRate / nominal.ProductRate, bandwidth,
            NodeSeconds);
    }

    /// <summary>Times a product and a copy; null if that is not possible.</summary>
    private CostModel? Measure()
    {
        try
        {
            if (ProductRate() is not double product) return null;
            (double productRate, double bandwidth) = (product * ShareOfProducts, CopyRate());
            Keep(productRate, bandwidth);
            return Model(productRate, bandwidth);
        }
        catch (Exception e) when (e is NotEnoughMemoryException or OpenClException)
        {
            return null;
        }
    }

    /// <summary>Multiply-adds a second of a square product, the larger the faster the device; null if it cannot be computed.</summary>
    private double? ProductRate()
    {
        const int Least = 128, Most = 1024;
        const double EnoughSeconds = 1e-3;
        double? rate = null;
        for (int size = Least; size <= Most; size *= 2)
        {
            Product product = new() { M = size, N = size, K = size, LdA = size, LdB = size, LdC = size };
            ProductChoice choice = ProductChoice.Default(product, device.Limits);
            using OpenClProductTrial trial = new(device, product, pieces: 1);
            trial.Prepare(choice);
            if (trial.Measure(choice, double.PositiveInfinity, Rounds) is not double seconds || seconds <= 0) break;

            // Each launch runs as often as the device is to be slower, but is no longer for that.
            rate = Math.Max(rate ?? 0, (double)size * size * size / seconds * device.Repeats);
            if (seconds >= EnoughSeconds) break;
        }

        return rate;
    }

    /// <summary>Bytes a second, read and written.</summary>
    private double CopyRate()
    {
        const int Bytes = 8 << 20, Copies = 4;
        using DeviceMemory memory = device.Allocate(2L * Bytes);
        double least = double.PositiveInfinity;
        for (int round = 0; round <= Rounds; round++)
        {
            device.Finish();
            long start = Stopwatch.GetTimestamp();
            for (int i = 0; i < Copies; i++) memory.CopyTo(0, memory, Bytes, Bytes);
            device.Finish();

            // The first round gives the memory its pages.
            if (round > 0) least = Math.Min(least, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return 2.0 * Copies * Bytes / Math.Max(least, 1e-9);
    }

    private CostModel? Read()
    {
        if (PathOf() is not string path) return null;
        try
        {
            FileInfo file = new(path);
            if (!file.Exists || file.Length > MostBytes) return null;
            return File.ReadAllText(path).Split('\n') is [Magic, string product, string bandwidth, "end", ""] && TryParse(product, out double p)
                && TryParse(bandwidth, out double b)
                ? Model(p, b)
                : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private void Keep(double productRate, double bandwidth)
    {
        if (PathOf() is not string path) return;
        string text = string.Create(CultureInfo.InvariantCulture, $"{Magic}\n{productRate:R}\n{bandwidth:R}\nend\n");
        OpenClBinaries.WriteWhole(path, file => file.Write(Encoding.UTF8.GetBytes(text)));
    }

    private static bool TryParse(string text, out double rate) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out rate) && rate is >= LeastRate and <= MostRate;

    private string? PathOf()
    {
        if (device.Settings.BinaryFolder is not string folder) return null;
        string key = OpenClBinaries.KeyOf(device.Info, device.Settings.CompilerOptions(device.Info));
        return Path.Combine(folder, $"speed-{OpenClBinaries.Digest(key, Encoding.UTF8.GetBytes($"{device.Limits}"))}.txt");
    }
}
