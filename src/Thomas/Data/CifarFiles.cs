using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;

namespace Thomas.Data;

/// <summary>
/// CIFAR-10 in its binary version (Krizhevsky 2009): <c>data_batch_1.bin</c> and further, <c>test_batch.bin</c>, <c>batches.meta.txt</c> with the class names.
/// A record is a label byte and 32x32 red, green and blue bytes, one plane after the other: 3073 bytes.
/// </summary>
internal static class CifarFiles
{
    private const int Side = 32;
    private const int ImageBytes = 3 * Side * Side;
    private const int RecordBytes = 1 + ImageBytes;
    private const int MaximumBytes = 1 << 30;
    private const string BatchPrefix = "data_batch_";
    private const string TestFile = "test_batch.bin";
    private const string NamesFile = "batches.meta.txt";

    /// <summary>Whether a folder holds such files.</summary>
    /// <param name="path">A folder.</param>
    /// <returns>True if <see cref="Load"/> is the way to read it.</returns>
    public static bool Recognizes(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return Directory.Exists(path) && (File.Exists(Path.Combine(path, TestFile)) || BatchNumbers(path).Count > 0);
    }

    /// <summary>Reads the batches of a folder, as many as there are.</summary>
    /// <param name="path">The folder.</param>
    /// <returns>
    /// The data set: data batches are <see cref="Subset.Train"/>, the test batch is <see cref="Subset.Test"/>; all is <see cref="Subset.Unassigned"/> where one
    /// of the two is missing. The images are kept in memory as they are in the files.
    /// </returns>
    /// <exception cref="DataException">A file is missing, unreadable, cut off or damaged.</exception>
    public static Dataset Load(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        List<int> numbers = BatchNumbers(path);
        string testFile = Path.Combine(path, TestFile);
        bool hasTest = File.Exists(testFile), isSplit = hasTest && numbers.Count > 0;
        if (!hasTest && numbers.Count == 0)
        {
            throw new DataException($"The folder '{path}' has no {BatchPrefix}1.bin and no {TestFile}; expected the binary version of CIFAR-10.");
        }

        for (int i = 0; i < numbers.Count; i++)
        {
            if (numbers[i] != i + 1)
            {
                throw new DataException(
                    $"The folder '{path}' has {BatchPrefix}{numbers[i]}.bin but not {BatchPrefix}{i + 1}.bin; the batches must be numbered from 1 without "
                    + $"gaps.");
            }
        }

        string namesFile = Path.Combine(path, NamesFile);
        if (!File.Exists(namesFile))
        {
            throw new DataException($"The folder '{path}' lacks '{NamesFile}' with the class names; it is part of the binary version of CIFAR-10.");
        }

        string[] names = NameFile.Read(namesFile);
        List<Sample> samples = [];
        foreach (int number in numbers) AddSamples(Path.Combine(path, BatchFile(number)), names, isSplit ? Subset.Train : Subset.Unassigned, samples);
        if (hasTest) AddSamples(testFile, names, isSplit ? Subset.Test : Subset.Unassigned, samples);
        return new Dataset(path, names, samples);
    }

    private static string BatchFile(int number) => string.Create(CultureInfo.InvariantCulture, $"{BatchPrefix}{number}.bin");

    private static List<int> BatchNumbers(string folder)
    {
        List<int> numbers = [];
        try
        {
            foreach (string file in Directory.EnumerateFiles(folder, BatchPrefix + "*.bin"))
            {
                ReadOnlySpan<char> digits = Path.GetFileNameWithoutExtension(file.AsSpan())[BatchPrefix.Length..];
                if (int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && Path.GetFileName(file) == BatchFile(number))
                {
                    numbers.Add(number);
                }
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"The data folder '{folder}' cannot be read: {error.Message}", error);
        }

        numbers.Sort();
        return numbers;
    }

    private static void AddSamples(string path, string[] names, Subset subset, List<Sample> samples)
    {
        ReadOnlyMemory<byte> bytes = ReadBatch(path);
        string file = Path.GetFileName(path);
        for (int i = 0; i < bytes.Length / RecordBytes; i++)
        {
            ReadOnlyMemory<byte> record = bytes.Slice(i * RecordBytes, RecordBytes);
            int label = record.Span[0];
            if (label >= names.Length)
            {
                throw new DataException(
                    $"'{path}': image {i + 1} has label {label}, but {NamesFile} names {names.Length} classes; it is damaged or is not a CIFAR-10 batch.");
            }

            string name = string.Create(CultureInfo.InvariantCulture, $"{file}, image {i + 1}");
            samples.Add(new Sample(new RawImage(name, record[1..], Side, Side), label, subset));
        }
    }

    private static byte[] ReadBatch(string path)
    {
        try
        {
            byte[] bytes = InputFile.ReadAll(path, MaximumBytes);
            if (bytes.Length > 0 && bytes.Length % RecordBytes == 0) return bytes;
            throw new DataException(
                $"'{path}' has {bytes.Length} bytes, not a whole number of records of {RecordBytes} bytes; it is cut off, or is not a CIFAR-10 batch in "
                + $"the binary version.");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"'{path}' cannot be read: {error.Message}", error);
        }
    }
}
