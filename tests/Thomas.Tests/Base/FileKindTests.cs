using System;
using System.IO;
using System.IO.Compression;
using System.Text;
using Thomas.Tests.Data;
using Xunit;

namespace Thomas.Tests.Base;

/// <summary>Files that lie in the wrong place are named for what they are.</summary>
public sealed class FileKindTests
{
    public static TheoryData<string, string, string> AsModels => new()
    {
        { "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n", "git-lfs pointer", "git lfs pull" },
        { "\n <!DOCTYPE html>\n<html><head></head></html>", "an HTML page", "download the file itself" },
        { "\u00EF\u00BB\u00BF<html>", "an HTML page", "download the file itself" },
        { "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>", "an XML error message", "download the file itself" },
        { "{\"format\": \"layers-model\", \"modelTopology\": {}}", "a TensorFlow.js model", ".tflite" },
        { "{\"class_name\": \"Functional\", \"config\": {}}", "a Keras network without weights", "from_keras_model" },
        { "7767517\n75 83\nInput data 0 1 data\n", "an ncnn network", "original" },
        { "<?xml version=\"1.0\"?><net name=\"x\"><layers><layer id=\"0\"/></layers></net>", "an OpenVINO network", "original" },
        { "404: Not Found", "a text file (it begins with \"404: Not Found\")", "" },
        { "\u0089HDF\r\n\u001A\n\0\0", "HDF5", "from_keras_model" },
        { "GGUF\u0003\0\0\0", "a GGUF file", "" },
        { "\u0010\0\0\0ORTM", "an ONNX Runtime model (.ort)", ".onnx" },
        { "\u0080\u0002}q\0.", "a Python pickle", "torch.onnx.export" },
        { "\u0040\0\0\0\0\0\0\0{\"a\":{}}", "a safetensors file", "thomas convert" },
        { "\u00FF\u00D8\u00FF\u00E0\0\u0010JFIF", "a JPEG image", "classify MODEL IMAGE" },
        { "%PDF-1.7\n", "a PDF document", ".onnx" },
        { "\u001F\u008B\u0008\0", "a gzip archive", "unpack" },
        { "Rar!\u001A\u0007\0", "a RAR archive", "unpack" },
        { "THOMCKPT\u0001\0\0\0", "a checkpoint of Thomas", "--resume" },
        { "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", "a file of zeros", "again" },

        // Protobuf: a description first and a neural network in field 500; a first node and its operator; the version and a meta graph.
        { "\u0008\u0004\u0012\u0002\u0052\0\u00A2\u001F\u0000", "a Core ML model", "original" },
        { "\u000A\u0010\u000A\u0001x\u0012\u000BPlaceholder", "a frozen TensorFlow graph", "--graphdef" },
        { "\u0008\u0001\u0012\u0004\u000A\u0002\u002A\0", "a TensorFlow SavedModel", "from_saved_model" },
    };

    [Theory]
    [MemberData(nameof(AsModels))]
    public void A_file_that_is_no_model_is_named_with_the_next_step(string latin1, string kind, string remedy)
    {
        using MemoryStream file = new(Encoding.Latin1.GetBytes(latin1));
        string message = Assert.Throws<ModelFormatException>(() => Model.Load(file, "file.onnx")).Message;
        Assert.StartsWith("file.onnx: byte 0: this is ", message, StringComparison.Ordinal);
        Assert.Contains(kind, message, StringComparison.Ordinal);
        Assert.Contains(remedy, message, StringComparison.Ordinal);
        Assert.Contains("not a .tflite or .onnx model", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("model.weights.h5", "a Keras model (.keras)")]
    [InlineData("archive/data.pkl", "a PyTorch file")]
    [InlineData("archive/constants.pkl", "a TorchScript model")]
    [InlineData("folder/model_unquant.tflite", "a zip archive of a .tflite model")]
    [InlineData("cats/1.jpg", "a zip archive of images")]
    [InlineData("readme.txt", "a zip archive")]
    public void Archives_are_known_by_what_is_in_them(string entry, string kind)
    {
        using MemoryStream file = new();
        using (ZipArchive zip = new(file, ZipArchiveMode.Create, leaveOpen: true)) zip.CreateEntry(entry).Open().Dispose();
        Assert.StartsWith(kind, FileKind.Recognize(file.ToArray())!.Name, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("<!DOCTYPE html><title>x</title>",
        "This is an HTML page, not an image; it was downloaded instead of the file; download the file itself.")]
    [InlineData("<svg xmlns=\"http://www.w3.org/2000/svg\"/>",
        "This is an SVG drawing; such images are not supported; convert it to JPEG, PNG, WebP, GIF or BMP.")]
    [InlineData("P6\n1 1\n255\nabc", "This is a Netpbm image (PPM, PGM or PBM); such images are not supported; convert it to JPEG, PNG, WebP, GIF or BMP.")]
    [InlineData("\0\0\0\u0018ftypisom", "This is an MP4 or QuickTime video, not an image; extract single images from it, as JPEG or PNG.")]
    [InlineData("\u001C\0\0\0TFL3", "This is a TensorFlow Lite model (.tflite), not an image; give the model before the images.")]
    [InlineData("8BPS\0\u0001", "This is a Photoshop image (PSD); such images are not supported; convert it to JPEG, PNG, WebP, GIF or BMP.")]
    public void A_file_that_is_no_image_is_named_with_the_next_step(string latin1, string message) =>
        Assert.Equal(message, FileKind.DescribeNotAnImage(Encoding.Latin1.GetBytes(latin1)));

    [Fact]
    public void Images_that_are_read_are_not_complained_about()
    {
        Assert.Null(FileKind.DescribeNotAnImage([0xFF, 0xD8, 0xFF, 0xE0]));
        Assert.Null(FileKind.DescribeNotAnImage("GIF89a"u8));
        Assert.Null(FileKind.Recognize([0x8F, 0x11, 0xA0, 0x00, 0x9C]));
        Assert.Null(FileKind.Recognize([]));
    }

    [Fact]
    public void Any_bytes_are_looked_at_without_an_error()
    {
        Rng rng = new(5);
        for (int i = 0; i < 20_000; i++)
        {
            byte[] bytes = new byte[rng.Next(300)];
            for (int k = 0; k < bytes.Length; k++) bytes[k] = (byte)(i % 3 == 0 ? rng.Next(256) : i % 3 == 1 ? rng.Next(32) : 32 + rng.Next(90));
            FileKind.Recognize(bytes);
        }
    }

    [Fact]
    public void Long_files_are_named_by_their_beginning()
    {
        using TemporaryFolder folder = new();
        using (FileStream sparse = File.Create(folder["zeros.onnx"])) sparse.SetLength(1 << 30);
        using (FileStream sparse = File.Create(folder["chat.onnx"]))
        {
            sparse.Write("GGUF"u8);
            sparse.SetLength(3L << 30);
        }

        long before = GC.GetTotalAllocatedBytes();
        Assert.Contains("a file of zeros", Assert.Throws<ModelFormatException>(() => Model.Load(folder["zeros.onnx"])).Message, StringComparison.Ordinal);
        Assert.Contains("a GGUF file", Assert.Throws<ModelFormatException>(() => Model.Load(folder["chat.onnx"])).Message, StringComparison.Ordinal);
        Assert.InRange(GC.GetTotalAllocatedBytes() - before, 0, 64 << 20);
    }

    [Fact]
    public void Folders_are_named_for_what_is_in_them()
    {
        using TemporaryFolder folder = new();
        string Message() => Assert.Throws<ModelFormatException>(() => Model.Load(folder.Path)).Message;
        Assert.Contains("this is a folder; give the .tflite or .onnx file itself", Message(), StringComparison.Ordinal);
        File.WriteAllText(folder["model.json"], "{}");
        Assert.Contains("TensorFlow.js", Message(), StringComparison.Ordinal);
        File.WriteAllText(folder["b.onnx"], "");
        File.WriteAllText(folder["a.tflite"], "");
        Assert.Contains("give the file itself: a.tflite, b.onnx", Message(), StringComparison.Ordinal);
        File.WriteAllText(folder["saved_model.pb"], "");
        Assert.Contains("SavedModel", Message(), StringComparison.Ordinal);
    }
}
