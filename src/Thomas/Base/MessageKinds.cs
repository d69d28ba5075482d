using System;

namespace Thomas;

/// <summary>Kinds of files that are one protobuf message. They have no signature; which fields the message has tells them from one another.</summary>
internal static class MessageKinds
{
    private const int MostFields = 1 << 16;
    private const int OnnxGraphField = 7;

    private static readonly FileKind Onnx = new("an ONNX model", FileFamily.Model, "open it as a model");
    private static readonly FileKind CoreMl = new(
        "a Core ML model (.mlmodel)", FileFamily.Model, "it cannot be converted back; give the original .onnx or .tflite model it was converted from");
    private static readonly FileKind SavedModel = new(
        "a TensorFlow SavedModel (saved_model.pb)", FileFamily.Model,
        "convert its folder to .tflite with tf.lite.TFLiteConverter.from_saved_model, or to .onnx with 'python -m tf2onnx.convert --saved-model FOLDER "
        + "--output model.onnx'");
    private static readonly FileKind Frozen = new(
        "a frozen TensorFlow graph (.pb)", FileFamily.Model,
        "convert it to .onnx with 'python -m tf2onnx.convert --graphdef FILE --inputs NAME:0 --outputs NAME:0 --output model.onnx'");
    private static readonly FileKind Caffe = new("a Caffe model (.caffemodel)", FileFamily.Model, "convert it to .onnx");
    private static readonly FileKind Paddle = new("a Paddle model (.pdmodel)", FileFamily.Model, "convert it to .onnx with paddle2onnx");

    /// <summary>The kind of a message; null if it is none that is known.</summary>
    public static FileKind? Recognize(ReadOnlySpan<byte> file)
    {
        if (!Outline.TryRead(file, out Outline fields)) return null;
        if (IsOnnx(fields)) return Onnx;
        if (fields.FirstIsNumber) return fields.Largest is >= 200 and < 5000 ? CoreMl : fields.Low == 0b110 && fields.FirstNumber == 1 ? SavedModel : null;
        if (fields.Largest == 100) return Caffe;
        if (fields.FirstField != 1 || fields.Largest > 17) return null;
        ReadOnlySpan<byte> first = fields.FirstMessage(file);
        if (first is [0x08, 0x00, 0x10, ..]) return Paddle;
        return first.Length > 4 && first[0] == 0x0A && first[1] < first.Length - 3 && first[2 + first[1]] == 0x12 ? Frozen : null;
    }

    /// <summary>Whether a file has a graph where ONNX has it, cut off or not.</summary>
    public static bool IsOnnx(ReadOnlySpan<byte> file) => Outline.TryRead(file, out Outline fields) && IsOnnx(fields);

    /// <summary>How many bytes the last part of the message would have to be longer; 0 if it is whole.</summary>
    public static long MissingBytes(ReadOnlySpan<byte> file) => Outline.TryRead(file, out Outline fields) ? fields.Missing : 0;

    private static bool IsOnnx(Outline fields) => (fields.Low & (1u << OnnxGraphField)) != 0 && fields.Largest <= 25;

    /// <summary>Which fields a message has.</summary>
    /// <param name="Low">A bit for each of the fields 1 to 31.</param>
    /// <param name="Largest">The largest field.</param>
    /// <param name="FirstField">The first field.</param>
    /// <param name="FirstIsNumber">Whether that is field 1 and a number.</param>
    /// <param name="FirstNumber">Its value, if it is a number.</param>
    /// <param name="FirstStart">Where its contents begin, otherwise.</param>
    /// <param name="FirstLength">Their length.</param>
    /// <param name="Missing">Bytes that the last field lacks.</param>
    private readonly record struct Outline(
        uint Low, int Largest, int FirstField, bool FirstIsNumber, long FirstNumber, int FirstStart, int FirstLength, long Missing)
    {
        public ReadOnlySpan<byte> FirstMessage(ReadOnlySpan<byte> file) => file.Slice(FirstStart, Math.Min(FirstLength, file.Length - FirstStart));

        public static bool TryRead(ReadOnlySpan<byte> file, out Outline outline)
        {
            outline = default;
            int at = 0;
            for (int count = 0; at < file.Length && count < MostFields; count++)
            {
                if (!TryNumber(file, ref at, out long tag) || tag >> 3 is < 1 or > 1 << 20) return false;
                int field = (int)(tag >> 3);
                int start = at;
                long length, number = 0;
                switch (tag & 7)
                {
                    case 0:
                        if (!TryNumber(file, ref at, out number)) return false;
                        length = 0;
                        break;
                    case 1:
                        length = 8;
                        break;
                    case 2:
                        if (!TryNumber(file, ref at, out length) || length is < 0 or > int.MaxValue) return false;
                        start = at;
                        break;
                    case 5:
                        length = 4;
                        break;
                    default:
                        return false;
                }

                outline = outline with
                {
                    Low = field < 32 ? outline.Low | (1u << field) : outline.Low,
                    Largest = Math.Max(outline.Largest, field),
                    Missing = Math.Max(0, at + length - file.Length),
                };
                if (count == 0)
                {
                    outline = outline with
                    {
                        FirstField = field,
                        FirstIsNumber = field == 1 && (tag & 7) == 0,
                        FirstNumber = number,
                        FirstStart = start,
                        FirstLength = (int)length,
                    };
                }

                if (outline.Missing > 0) return true;
                at += (int)length;
            }

            return at > 0;
        }

        private static bool TryNumber(ReadOnlySpan<byte> file, ref int at, out long number)
        {
            number = 0;
            for (int shift = 0; shift < 64 && at < file.Length; shift += 7)
            {
                byte next = file[at++];
                number |= (long)(next & 0x7F) << shift;
                if (next < 0x80) return true;
            }

            return false;
        }
    }
}
