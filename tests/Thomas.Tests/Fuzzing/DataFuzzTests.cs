using System;
using System.IO;
using System.Text;
using Thomas.App.Tuning;
using Thomas.Data;
using Thomas.Runtime;
using Thomas.Tests.Data;
using Xunit;

namespace Thomas.Tests.Fuzzing;

/// <summary>Changed lists of names, manifests, files of raw images and the record of the machine's tuning.</summary>
public sealed class DataFuzzTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly ITestOutputHelper _output;

    public DataFuzzTests(ITestOutputHelper output) => _output = output;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Changed_manifests_are_refused_or_read()
    {
        for (int i = 0; i < 4; i++) Images.Save(_folder[$"{i}.png"], (ulong)i);
        string path = _folder["images.csv"], text = "0.png,cat,train\n1.png,\"dog, big\",train\n2.png,cat,val\n3.png,\"dog, big\",val\n";
        new Fuzzer("csv", _output).Run(random => Mutation.Lines(random, text, [',', ';', '\t', '"']), file =>
        {
            File.WriteAllBytes(path, file);
            Dataset set = CsvManifest.Load(path);
            set.CheckTrainable();
        });
    }

    [Fact]
    public void Changed_lists_of_names_are_refused_or_read()
    {
        string path = _folder["labels.txt"];
        new Fuzzer("names", _output).Run(random => Mutation.Lines(random, "cat\ndog\nbig bird\n\u00e9t\u00e9\n", [' ']), file =>
        {
            File.WriteAllBytes(path, file);
            _ = NameFile.Read(path);
        });
    }

    [Fact]
    public void Changed_idx_files_are_refused_or_read()
    {
        string images = _folder["train-images-idx3-ubyte"], labels = _folder["train-labels-idx1-ubyte"];
        RawFiles.Pair(images, labels, [0, 1, 2, 1]);
        byte[] goodImages = File.ReadAllBytes(images), goodLabels = File.ReadAllBytes(labels);
        new Fuzzer("idx", _output).Run(
            random =>
            {
                bool first = random.Next(2) == 0;
                byte[] file = first ? [.. goodImages] : [.. goodLabels];
                for (int i = random.Next(1, 3); i > 0; i--) file[random.Next(Math.Min(16, file.Length))] = (byte)Mutation.Number(random, 1);
                if (random.Next(3) == 0) file = Mutation.Bytes(random, file);
                return [(byte)(first ? 0 : 1), .. random.Next(4) == 0 ? RawFiles.Gzip(file) : file];
            },
            file =>
            {
                File.WriteAllBytes(images, file[0] == 0 ? file[1..] : goodImages);
                File.WriteAllBytes(labels, file[0] == 1 ? file[1..] : goodLabels);
                _ = MnistFiles.Load(_folder.Path);
                _ = MnistFiles.Load(images);
            });
    }

    [Fact]
    public void Changed_cifar_files_are_refused_or_read()
    {
        byte[] good = RawFiles.Cifar(0, 1, 2);
        new Fuzzer("cifar", _output).Run(
            random => random.Next(3) == 0 ? [1, .. Mutation.Lines(random, RawFiles.CifarNames, [' '])] : [0, .. Mutation.Bytes(random, good)],
            file =>
            {
                File.WriteAllBytes(_folder["data_batch_1.bin"], file[0] == 0 ? file[1..] : good);
                File.WriteAllBytes(_folder["batches.meta.txt"], file[0] == 1 ? file[1..] : Encoding.UTF8.GetBytes(RawFiles.CifarNames));
                _ = CifarFiles.Load(_folder.Path);
            });
    }

    [Fact]
    public void A_changed_tuning_record_never_stops_a_command()
    {
        TuningRecord record = new("x", Machine.Tier, Machine.Processors, new TuningChoice(1, 64, 1 << 16));
        string path = record.Save(_folder.Path), text = File.ReadAllText(path);
        Assert.Equal(1, TuningRecord.Read(_folder.Path, () => "x").Threads);
        new Fuzzer("tuning record", _output).Run(random => Encoding.UTF8.GetBytes(Mutation.Json(random, text)), file =>
        {
            File.WriteAllBytes(path, file);
            TuningChoice choice = TuningRecord.Read(_folder.Path, () => "x");
            Assert.InRange(choice.Threads, 0, Machine.Processors);
            if (choice == default) throw new ThomasException("not used");
        });
    }
}
