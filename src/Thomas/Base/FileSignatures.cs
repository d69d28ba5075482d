using System;
using System.Text;

namespace Thomas;

/// <summary>Kinds of files that begin with fixed bytes.</summary>
internal static class FileSignatures
{
    /// <summary>Marks images that the usual decoders read.</summary>
    public const string Readable = "give the model first, as in 'thomas classify MODEL IMAGE'";

    /// <summary>What iPhones save.</summary>
    public const string Heic = "a HEIC image";

    private const string Swapped = Readable + " ";
    private const string ToTfLite = "convert it to .tflite in Python with tf.lite.TFLiteConverter.from_keras_model, or to .onnx with tf2onnx";
    private const string TorchExport =
        "weights of a published network become a model with 'thomas convert FILE -o model.onnx'; export other models to .onnx with torch.onnx.export";
    private const string ScriptExport = "export the model to .onnx in Python with torch.onnx.export";
    private const string SourceModel = "give the original .onnx or .tflite model it was converted from";
    private const string Unpack = "unpack it and give the .tflite or .onnx file in it";
    private const string NotNetwork = "give a .tflite or .onnx file";

    /// <summary>Offset, bytes (one for each character), kind.</summary>
    private static readonly (int Offset, string Bytes, FileKind Kind)[] Table =
    [
        (4, "TFL3", new("a TensorFlow Lite model (.tflite)", FileFamily.Model, "open it as a model")),
        (4, "ORTM", new("an ONNX Runtime model (.ort)", FileFamily.Model, "give the .onnx file it was converted from")),
        (4, "ET12", new("an ExecuTorch program (.pte)", FileFamily.Model, "export the model to .onnx with torch.onnx.export instead")),
        (0, "\u0089HDF\r\n\u001A\n", new("an HDF5 file, as Keras writes (.h5)", FileFamily.Model, ToTfLite)),
        (0, "GGUF", new("a GGUF file, a language model", FileFamily.Model, NotNetwork)),
        (0, "lmgg", new("a ggml file, a language model", FileFamily.Model, NotNetwork)),
        (0, "tjgg", new("a ggml file, a language model", FileFamily.Model, NotNetwork)),
        (0, "7767517\n", new("an ncnn network (.param)", FileFamily.Model, SourceModel)),
        (0, "7767517\r", new("an ncnn network (.param)", FileFamily.Model, SourceModel)),
        (0, "\u00DD\u0085v\0", new("an ncnn network (.param.bin)", FileFamily.Model, SourceModel)),
        (0, "ptrt", new("a TensorRT engine", FileFamily.Model, SourceModel)),
        (0, "RKNN", new("an RKNN model", FileFamily.Model, SourceModel)),
        (0, "\u0001HEF", new("a Hailo model (.hef)", FileFamily.Model, SourceModel)),
        (0, "LDMK", new("a K210 model (.kmodel)", FileFamily.Model, SourceModel)),
        (0, "\u0012\u0001\0\0\0\0\0\0", new("an MXNet parameter file", FileFamily.Weights, SourceModel)),
        (0, "\u0093NUMPY", new("a NumPy array (.npy)", FileFamily.Other, NotNetwork)),
        (0, "THOMCKPT", new("a checkpoint of Thomas", FileFamily.Weights, "continue from it with 'tune' or 'train' and --checkpoint FILE --resume")),
        (0, "THOMPREP", new("a cache file of Thomas (prepared images)", FileFamily.Other, NotNetwork)),

        (0, "\u00FF\u00D8\u00FF", new("a JPEG image", FileFamily.Image, Readable)),
        (0, "\u0089PNG\r\n\u001A\n", new("a PNG image", FileFamily.Image, Readable)),
        (0, "GIF8", new("a GIF image", FileFamily.Image, Readable)),
        (8, "WEBP", new("a WebP image", FileFamily.Image, Readable)),
        (8, "CR\u0002", new("a camera raw image (CR2)", FileFamily.Image, Swapped)),
        (0, "II*\0", new("a TIFF image, or a camera's raw file", FileFamily.Image, Swapped)),
        (0, "MM\0*", new("a TIFF image, or a camera's raw file", FileFamily.Image, Swapped)),
        (0, "II+\0", new("a BigTIFF image", FileFamily.Image, Swapped)),
        (0, "MM\0+", new("a BigTIFF image", FileFamily.Image, Swapped)),
        (0, "II\u00BC", new("a JPEG XR image", FileFamily.Image, Swapped)),
        (0, "IIU\0", new("a camera raw image (RW2)", FileFamily.Image, Swapped)),
        (0, "IIRO", new("a camera raw image (ORF)", FileFamily.Image, Swapped)),
        (0, "IIRS", new("a camera raw image (ORF)", FileFamily.Image, Swapped)),
        (0, "FUJIFILMCCD-RAW", new("a camera raw image (RAF)", FileFamily.Image, Swapped)),
        (0, "FOVb", new("a camera raw image (X3F)", FileFamily.Image, Swapped)),
        (0, "\u00FF\n", new("a JPEG XL image", FileFamily.Image, Swapped)),
        (0, "\0\0\0\u000CJXL ", new("a JPEG XL image", FileFamily.Image, Swapped)),
        (0, "\0\0\0\u000CjP  ", new("a JPEG 2000 image", FileFamily.Image, Swapped)),
        (0, "\u00FFO\u00FFQ", new("a JPEG 2000 image", FileFamily.Image, Swapped)),
        (0, "8BPS", new("a Photoshop image (PSD)", FileFamily.Image, Swapped)),
        (0, "gimp xcf", new("a GIMP image (XCF)", FileFamily.Image, Swapped)),
        (0, "v/1\u0001", new("an OpenEXR image", FileFamily.Image, Swapped)),
        (0, "#?RADIANCE", new("a Radiance HDR image", FileFamily.Image, Swapped)),
        (0, "DDS ", new("a DDS texture", FileFamily.Image, Swapped)),
        (0, "qoif", new("a QOI image", FileFamily.Image, Swapped)),
        (0, "BPG\u00FB", new("a BPG image", FileFamily.Image, Swapped)),
        (0, "SIMPLE  =", new("a FITS image", FileFamily.Image, Swapped)),
        (128, "DICM", new("a DICOM image", FileFamily.Image, Swapped)),
        (0, "\0\0\u0001\0", new("an icon (ICO)", FileFamily.Image, Swapped)),
        (0, "\0\0\u0002\0", new("a cursor (CUR)", FileFamily.Image, Swapped)),
        (0, "\0\u0005\u0016\u0007", new(
            "an AppleDouble file (what macOS keeps next to a file)", FileFamily.Other, "give the file itself, whose name does not begin with '._'")),
        (0, "bplist00", new("an Apple property list, perhaps of a file that is still in iCloud", FileFamily.Other, "download the file itself first")),

        (8, "AVI ", new("an AVI video", FileFamily.Media, NotNetwork)),
        (8, "WAVE", new("a WAV recording", FileFamily.Media, NotNetwork)),
        (0, "\u001AE\u00DF\u00A3", new("a Matroska or WebM video", FileFamily.Media, NotNetwork)),
        (0, "\0\0\u0001\u00BA", new("an MPEG video", FileFamily.Media, NotNetwork)),
        (0, "FLV\u0001", new("a Flash video", FileFamily.Media, NotNetwork)),
        (0, "OggS", new("an Ogg file", FileFamily.Media, NotNetwork)),
        (0, "ID3", new("an MP3 recording", FileFamily.Media, NotNetwork)),
        (0, "fLaC", new("a FLAC recording", FileFamily.Media, NotNetwork)),

        (0, "\u001F\u008B", new("a gzip archive", FileFamily.Archive, Unpack)),
        (0, "BZh", new("a bzip2 archive", FileFamily.Archive, Unpack)),
        (0, "\u00FD7zXZ\0", new("an xz archive", FileFamily.Archive, Unpack)),
        (0, "\u0028\u00B5\u002F\u00FD", new("a Zstandard archive", FileFamily.Archive, Unpack)),
        (0, "\u0004\u0022\u004D\u0018", new("an LZ4 archive", FileFamily.Archive, Unpack)),
        (0, "7z\u00BC\u00AF\u0027\u001C", new("a 7-Zip archive", FileFamily.Archive, Unpack)),
        (0, "Rar!\u001A\u0007", new("a RAR archive", FileFamily.Archive, Unpack)),
        (257, "ustar", new("a tar archive", FileFamily.Archive, Unpack)),
        (0, "PAR1", new("a Parquet file", FileFamily.Archive, "write its images to files, one folder for each class")),
        (0, "ARROW1", new("an Arrow file", FileFamily.Archive, "write its images to files, one folder for each class")),

        (0, "%PDF-", new("a PDF document", FileFamily.Other, NotNetwork)),
        (0, "%!PS", new("a PostScript document", FileFamily.Other, NotNetwork)),
        (0, "{\\rtf", new("an RTF document", FileFamily.Other, NotNetwork)),
        (0, "\u00D0\u00CF\u0011\u00E0\u00A1\u00B1\u001A\u00E1", new("an old Office document", FileFamily.Other, NotNetwork)),
        (0, "SQLite format 3\0", new("an SQLite database", FileFamily.Other, NotNetwork)),
        (0, "\u007FELF", new("a program or library (ELF)", FileFamily.Other, NotNetwork)),
        (0, "\u00CA\u00FE\u00BA\u00BE", new("a program or library", FileFamily.Other, NotNetwork)),
        (0, "\u00CF\u00FA\u00ED\u00FE", new("a program or library (Mach-O)", FileFamily.Other, NotNetwork)),
        (0, "MATLAB 5.0 MAT-file", new("a MATLAB file", FileFamily.Other, NotNetwork)),
    ];

    private static readonly (string Entry, FileKind Kind)[] ZipTable =
    [
        ("model.weights.h5", new("a Keras model (.keras)", FileFamily.Model, ToTfLite)),
        ("bytecode.pkl", new("a PyTorch model for mobile devices", FileFamily.Model, ScriptExport)),
        ("constants.pkl", new("a TorchScript model", FileFamily.Model, ScriptExport)),
        ("data.pkl", new("a PyTorch file (.pt, .pth)", FileFamily.Weights, TorchExport)),
        ("saved_model.pb", new(
            "a zip archive of a TensorFlow SavedModel", FileFamily.Archive,
            "unpack it; then convert the folder with tf.lite.TFLiteConverter.from_saved_model")),
        ("weights.bin", new(
            "a zip archive of a TensorFlow.js model", FileFamily.Archive,
            "export the model as TensorFlow Lite instead (Teachable Machine: Tensorflow Lite, Floating point)")),
        (".mlmodel", new("a zip archive of a Core ML model", FileFamily.Archive, SourceModel)),
        (".tflite", new("a zip archive of a .tflite model", FileFamily.Archive, "unpack it and give the .tflite file")),
        (".onnx", new("a zip archive of an .onnx model", FileFamily.Archive, "unpack it and give the .onnx file")),
        ("[Content_Types].xml", new("an Office document", FileFamily.Other, NotNetwork)),
        ("AndroidManifest.xml", new("an Android app (APK)", FileFamily.Archive, Unpack)),
        ("META-INF/MANIFEST.MF", new("a Java archive", FileFamily.Archive, Unpack)),
        (".npy", new("a NumPy archive (.npz)", FileFamily.Other, NotNetwork)),
        (".jpg", new("a zip archive of images", FileFamily.Archive, NotNetwork)),
        (".jpeg", new("a zip archive of images", FileFamily.Archive, NotNetwork)),
        (".png", new("a zip archive of images", FileFamily.Archive, NotNetwork)),
    ];

    private static readonly FileKind Zip = new("a zip archive", FileFamily.Archive, Unpack);
    private static readonly FileKind Bmp = new("a BMP image", FileFamily.Image, Readable);
    private static readonly FileKind Pickle = new("a Python pickle, as PyTorch and scikit-learn write", FileFamily.Weights, TorchExport);
    private static readonly FileKind Safetensors = new(
        "a safetensors file", FileFamily.Weights,
        "it contains weights but no network; those of a published network become a model with 'thomas convert FILE -o model.onnx'; export another to .onnx");
    private static readonly FileKind Netpbm = new("a Netpbm image (PPM, PGM or PBM)", FileFamily.Image, Swapped);
    private static readonly FileKind Program = new("a Windows program", FileFamily.Other, NotNetwork);

    /// <summary>The kind whose bytes stand at its place; null if there is none.</summary>
    public static FileKind? Match(ReadOnlySpan<byte> file)
    {
        foreach ((int offset, string bytes, FileKind kind) in Table)
        {
            if (Has(file, offset, bytes)) return kind;
        }

        if (Has(file, 0, "PK\u0003\u0004") || Has(file, 0, "PK\u0005\u0006")) return MatchZip(file);
        if (Has(file, 4, "ftyp") && file.Length >= 12) return MatchMedia(file[8..12]);
        if (Has(file, 0, "BM") && file.Length >= 26 && Has(file, 6, "\0\0\0\0")) return Bmp;
        if (file is [(byte)'P', >= (byte)'1' and <= (byte)'7', (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t', ..]) return Netpbm;
        if (file is [0x80, >= 2 and <= 5, ..]) return Pickle;
        if (file.Length > 9 && Has(file, 8, "{\"") && BitConverter.ToUInt64(file[..8]) < 1 << 28) return Safetensors;
        return Has(file, 0, "MZ") && file.Length >= 64 && file[60..64].IndexOfAnyExcept((byte)0) >= 0 && file[62] == 0 ? Program : null;
    }

    private static FileKind MatchMedia(ReadOnlySpan<byte> brand)
    {
        if (Has(brand, 0, "avif") || Has(brand, 0, "avis")) return new FileKind("an AVIF image", FileFamily.Image, Swapped);
        if (Has(brand, 0, "crx ")) return new FileKind("a camera raw image (CR3)", FileFamily.Image, Swapped);
        return Has(brand, 0, "hei") || Has(brand, 0, "hev") || Has(brand, 0, "mif1") || Has(brand, 0, "msf1")
            ? new FileKind(Heic, FileFamily.Image, Swapped)
            : new FileKind("an MP4 or QuickTime video", FileFamily.Media, NotNetwork);
    }

    /// <summary>Names stand in the directory at the end; where the file is cut off, those at the beginning must do.</summary>
    private static FileKind MatchZip(ReadOnlySpan<byte> file)
    {
        const int Searched = 1 << 16;
        ReadOnlySpan<byte> end = file[Math.Max(0, file.Length - Searched)..], start = file[..Math.Min(file.Length, 256)];
        foreach ((string entry, FileKind kind) in ZipTable)
        {
            byte[] name = Encoding.Latin1.GetBytes(entry);
            if (end.IndexOf(name) >= 0 || start.IndexOf(name) >= 0) return kind;
        }

        return Zip;
    }

    private static bool Has(ReadOnlySpan<byte> file, int offset, string bytes)
    {
        if (file.Length < offset + bytes.Length) return false;
        for (int i = 0; i < bytes.Length; i++)
        {
            if (file[offset + i] != bytes[i]) return false;
        }

        return true;
    }
}
