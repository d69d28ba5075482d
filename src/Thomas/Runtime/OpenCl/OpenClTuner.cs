using System;
using System.Collections.Generic;
using System.IO;
using System.Security.Cryptography;
using System.Text;
using System.Threading;
using Thomas.Kernels.OpenCl;

namespace Thomas.Runtime.OpenCl;

/// <summary>How much time goes into finding the fastest matrix kernels of a device.</summary>
internal enum TuneMode
{
    /// <summary>None: kernels are chosen by estimates, and nothing is read from disk.</summary>
    Off,

    /// <summary>A dozen ways for each shape that is far from all known ones, within <see cref="OpenClTuner.FastSeconds"/>.</summary>
    Fast,

    /// <summary>All ways for each new shape, within <see cref="OpenClTuner.FullSeconds"/>.</summary>
    Full,
}

/// <summary>
/// Chooses how matrix products are computed by measuring when a shape is first used. What was found is kept on disk, by device, driver and sources of the
/// kernels. Another way replaces the default only if it is clearly faster and gives the same result.
/// </summary>
internal sealed class OpenClTuner
{
    /// <summary>Seconds of a process for <see cref="TuneMode.Fast"/>.</summary>
    public const double FastSeconds = 20;

    /// <summary>Seconds of a process for <see cref="TuneMode.Full"/>.</summary>
    public const double FullSeconds = 300;

    // The default is given up for what is this much faster; less than that may be chance.
    private const double LeastGain = 1.05;

    // A shape this near, in doublings of sizes, need not be measured for TuneMode.Fast.
    private const double SameDistance = 0.5;
    private const double Hopeless = 1.5;
    private const int FastChoices = 12, Finalists = 2, Rounds = 3;

    private readonly Lock _lock = new();
    private readonly OpenClLimits _limits;
    private readonly TuneMode _mode;
    private readonly string? _folder;
    private readonly string _identity;
    private readonly Func<Product, IProductTrial> _open;
    private readonly Func<double> _clock;
    private readonly ProductTuning _tuning;
    private double _left;

    /// <summary>Reads what is known.</summary>
    /// <param name="limits">Limits of the device.</param>
    /// <param name="mode">How much is measured.</param>
    /// <param name="folder">Where the record lies; null for none.</param>
    /// <param name="device">Device, driver and options of the compiler.</param>
    /// <param name="open">Begins to measure a product.</param>
    /// <param name="clock">Seconds since some time.</param>
    /// <param name="seconds">Seconds for all measurements; null for those of the mode.</param>
    public OpenClTuner(
        OpenClLimits limits, TuneMode mode, string? folder, string device, Func<Product, IProductTrial> open, Func<double> clock, double? seconds = null)
    {
        (_limits, _mode, _folder, _open, _clock) = (limits, mode, folder, open, clock);
        _identity = $"{device}; {limits}; {Sources()}";
        _left = seconds ?? (mode == TuneMode.Full ? FullSeconds : mode == TuneMode.Fast ? FastSeconds : 0);
        _tuning = ReadRecord() ?? new ProductTuning();
    }

    /// <summary>The tuner of a device.</summary>
    /// <param name="device">The device.</param>
    /// <param name="mode">How much is measured.</param>
    /// <param name="folder">Where the record lies; null for none.</param>
    /// <param name="options">Options of the compiler.</param>
    /// <returns>The tuner; null for <see cref="TuneMode.Off"/>.</returns>
    public static OpenClTuner? Of(OpenClDevice device, TuneMode mode, string? folder, string options)
    {
        if (mode == TuneMode.Off) return null;
        OpenClDeviceInfo info = device.Info;
        string identity = string.Join('/', info.Platform, info.Vendor, info.Name, info.Driver, info.Version, options);
        return new OpenClTuner(
            device.Limits, mode, folder, identity, product => new OpenClProductTrial(device, product),
            static () => System.Diagnostics.Stopwatch.GetElapsedTime(0).TotalSeconds);
    }

    /// <summary>Shapes that are known.</summary>
    public int Known
    {
        get
        {
            lock (_lock) return _tuning.Count;
        }
    }

    /// <summary>How a product should be computed; null for the default. Measures it if it is new and there is time.</summary>
    public ProductChoice? Choose(Product product)
    {
        ProductShape shape = ProductShape.Of(product);
        lock (_lock)
        {
            if (_tuning.TryFind(shape, out ProductChoice? choice)) return Serving(choice, product);
            if (_mode == TuneMode.Fast && _tuning.TryFindNear(product, _limits, SameDistance, out choice)) return choice;
            if (Measure(product) is { } found)
            {
                _tuning.Add(shape, found.Best, found.Gain);
                WriteRecord();
                return found.Best;
            }

            return _tuning.TryFindNear(product, _limits, ProductTuning.NearDistance, out choice) ? choice : null;
        }
    }

    private ProductChoice? Serving(ProductChoice? choice, Product product) => choice?.Serves(product, _limits) == true ? choice : null;

    /// <summary>The fastest way, null for the default, and how much faster it is; null if there was not the time or the memory to find out.</summary>
    private (ProductChoice? Best, double Gain)? Measure(Product product)
    {
        if (_left <= 0) return null;
        double begin = _clock(), end = begin + _left;
        try
        {
            using IProductTrial trial = _open(product);
            return Measure(product, trial, end);
        }
        catch (Exception e) when (e is NotEnoughMemoryException or OpenClException)
        {
            return null;
        }
        finally
        {
            _left -= _clock() - begin;
        }
    }

    private (ProductChoice? Best, double Gain)? Measure(Product product, IProductTrial trial, double end)
    {
        IReadOnlyList<ProductChoice> choices = ProductChoice.Candidates(product, _limits, _mode == TuneMode.Full ? int.MaxValue : FastChoices);
        foreach (ProductChoice choice in choices) trial.Prepare(choice);
        ProductChoice usual = choices[0];
        if (trial.Measure(usual, double.PositiveInfinity, Rounds) is not double least) return null;
        List<(double Seconds, ProductChoice Choice)> faster = [];
        double first = least;
        for (int i = 1; i < choices.Count; i++)
        {
            if (_clock() > end) return null;
            if (trial.Measure(choices[i], Hopeless * least, 1) is not double seconds) continue;
            if (seconds * LeastGain <= first) faster.Add((seconds, choices[i]));
            least = Math.Min(least, seconds);
        }

        // The fastest once more beside the default, so that a disturbance of one measurement decides nothing.
        faster.Sort(static (a, b) => a.Seconds.CompareTo(b.Seconds));
        float[]? expected = null;
        for (int i = 0; i < Math.Min(Finalists, faster.Count); i++)
        {
            ProductChoice choice = faster[i].Choice;
            if (trial.Measure(choice, double.PositiveInfinity, Rounds) is not double seconds) continue;
            if (trial.Measure(usual, double.PositiveInfinity, Rounds) is not double own || own < LeastGain * seconds) continue;
            expected ??= trial.ResultOf(usual);
            if (expected is null) return null;
            if (trial.ResultOf(choice) is float[] result && Agree(expected, result, product)) return (choice, own / seconds);
        }

        return (null, 1);
    }

    /// <summary>
    /// Whether results differ by no more than the roundings of the sums, of products of numbers up to 1, and of results that are stored as 16-bit floats.
    /// </summary>
    private static bool Agree(float[] expected, float[] result, Product product)
    {
        double most = 1e-5 + (1.2e-7 * product.K), relative = product.Halves.C ? 1.0 / (1 << 10) : 0;
        if (expected.Length != result.Length) return false;
        for (int i = 0; i < expected.Length; i++)
        {
            if (!(Math.Abs((double)expected[i] - result[i]) <= most + (relative * Math.Max(Math.Abs(expected[i]), Math.Abs(result[i]))))) return false;
        }

        return true;
    }

    private ProductTuning? ReadRecord()
    {
        const long MostBytes = 16 << 20;
        if (PathOf() is not string path) return null;
        try
        {
            FileInfo file = new(path);
            return file.Exists && file.Length <= MostBytes ? ProductTuning.Read(File.ReadAllText(path), _identity) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>
    /// Writes the record, with what other processes have found meanwhile. That it cannot be written is no error: it is measured again next time.
    /// </summary>
    private void WriteRecord()
    {
        if (PathOf() is not string path) return;
        string temporary = $"{path}.{Guid.NewGuid():N}";
        try
        {
            Directory.CreateDirectory(_folder!);
            if (ReadRecord() is ProductTuning others) _tuning.AddMissing(others);
            File.WriteAllText(temporary, _tuning.Write(_identity));
            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Remove(temporary);
        }
    }

    private static void Remove(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The folder cannot be written at all: nothing is left there either.
        }
    }

    private string? PathOf() => _folder is null ? null : Path.Combine(_folder, $"products-{Digest(_identity)}.txt");

    /// <summary>A digest of the kernels: measurements of others are worth nothing.</summary>
    private static string Sources()
    {
        StringBuilder all = new();
        foreach (string name in (string[])["product", "product_parts", "direct"]) all.Append(OpenClProgram.Of(name).Text);
        return Digest(all.ToString());
    }

    private static string Digest(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, 12));
}
