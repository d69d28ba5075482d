using System;
using Thomas.Data;

namespace Thomas.Training;

/// <content>What the model makes of images, and how a session knows its model.</content>
public sealed partial class TuningSession
{
    // How far the features of the known image may lie from those of the session's model, in parts of the largest: rounding differs from processor to processor.
    private const float ProbeTolerance = 1e-3f;

    private RgbImage Decode(ReadOnlyMemory<byte> encoded, string name)
    {
        if (_decoder is null)
        {
            throw new InvalidOperationException("The session was opened without a decoder, so it takes only pixels (RgbImage); give TuningSession.Open one.");
        }

        return _decoder.WithBackground(_preprocessor.Preprocessing.Background).DecodeChecked(encoded, _preprocessor.MinimumShortSide, name);
    }

    private float[] FeaturesOf(RgbImage image)
    {
        float[] features = _backbone.Work(executable =>
        {
            _preprocessor.Run(image, executable.Stage()[.._preprocessor.InputLength]);
            executable.Send();
            executable.Run();
            return executable.Fetch()[..Features].ToArray();
        });

        foreach (float value in features)
        {
            if (!float.IsFinite(value))
            {
                throw new ThomasException(
                    $"{_modelName}: the features of the image are not finite; the model's weights are damaged or the preprocessing is wrong.");
            }
        }

        return features;
    }

    /// <summary>
    /// Notes the model in a new session, and recognizes it in another: by the hash of its layers, or by what they make of a known image. The hash alone would
    /// refuse the same model in another format, or read by another version of this program.
    /// </summary>
    /// <summary>The preprocessing that the session was begun with. A model that cannot take it is another one.</summary>
    private static ImageInput InputOf(Model model, SessionFolder files, Preprocessing? wanted)
    {
        if (files.Manifest is not SessionManifest manifest) return ImageInput.Of(model, wanted);
        try
        {
            return ImageInput.Of(model, manifest.Input);
        }
        catch (ThomasException e)
        {
            throw new DataException(
                $"The session '{files.Path}' was started with the model '{manifest.Model}'; this one, '{model.Info.Name}', takes images of another form. "
                + "Open it with the original model, or start a new session; nothing was changed.", e);
        }
    }

    private void MatchModel(UInt128 hash)
    {
        SessionManifest? manifest = _files.Manifest;
        if (manifest?.ModelHash == SessionManifest.Text(hash) && manifest.Features == Features) return;
        float[] probe = FeaturesOf(KnownImage());
        if (manifest is null)
        {
            _files.Create(SessionManifest.Of(_options.ModelFile ?? _modelName, hash, Input.Preprocessing, probe));
            return;
        }

        if (manifest.Features == Features && IsClose(manifest.ProbeFeatures, probe)) return;
        throw new DataException(
            $"The session '{Folder}' was started with the model '{manifest.Model}' (hash {manifest.ModelHash}, {manifest.Features} features); this one, "
            + $"'{_modelName}' (hash {SessionManifest.Text(hash)}, "
            + $"{Features} features), computes different features. Open it with the original model, or start a new session; nothing was changed.");
    }

    private static bool IsClose(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual)
    {
        float largest = 0, difference = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            largest = Math.Max(largest, Math.Abs(expected[i]));
            difference = Math.Max(difference, Math.Abs(expected[i] - actual[i]));
        }

        return difference <= ProbeTolerance * largest;
    }

    /// <summary>Noise of a fixed seed at the model's size: every weight has a part in what becomes of it.</summary>
    private RgbImage KnownImage()
    {
        byte[] pixels = new byte[_preprocessor.CropBytes];
        Rng rng = new(1);
        for (int i = 0; i < pixels.Length; i++) pixels[i] = (byte)rng.Next(256);
        return new RgbImage(Input.Preprocessing.Width, Input.Preprocessing.Height, pixels);
    }
}
