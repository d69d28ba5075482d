using System;
using System.IO;
using System.Threading;

namespace Thomas;

/// <summary>Reading and writing of model files, as members of <see cref="Model"/>, which itself knows no format.</summary>
public static class ModelFile
{
    extension(Model model)
    {
        /// <summary>Reads a <c>.tflite</c> or <c>.onnx</c> file; the format is told by the contents.</summary>
        /// <exception cref="ModelFormatException">The file is damaged; the message names the place.</exception>
        /// <exception cref="UnsupportedModelException">The file uses operators that Thomas does not have; all are listed.</exception>
        /// <exception cref="ThomasException">The file cannot be read.</exception>
        /// <param name="path">The file: a regular file of at most 2 GiB, or a link to one.</param>
        /// <param name="cancellation">Ends the reading of a long file.</param>
        /// <exception cref="System.OperationCanceledException">The reading was canceled.</exception>
        public static Model Load(string path, CancellationToken cancellation = default)
        {
            ArgumentNullException.ThrowIfNull(path);
            return ModelFiles.Load(path, cancellation: cancellation);
        }

        /// <summary>Reads a <c>.tflite</c> or <c>.onnx</c> file, with answers to what it may leave open.</summary>
        /// <exception cref="ModelFormatException">The file is damaged; the message names the place.</exception>
        /// <exception cref="UnsupportedModelException">The file uses operators that Thomas does not have; all are listed.</exception>
        /// <exception cref="ThomasException">The file cannot be read, or the network does not work for the image size.</exception>
        /// <param name="path">The file: a regular file of at most 2 GiB, or a link to one.</param>
        /// <param name="options">The answers.</param>
        /// <param name="cancellation">Ends the reading of a long file.</param>
        /// <exception cref="System.OperationCanceledException">The reading was canceled.</exception>
        public static Model Load(string path, ModelLoadOptions options, CancellationToken cancellation = default)
        {
            ArgumentNullException.ThrowIfNull(path);
            ArgumentNullException.ThrowIfNull(options);
            return ModelFiles.Load(path, options, cancellation);
        }

        /// <summary>
        /// Reads a model from a stream up to its end, with answers to what it may leave open; <paramref name="name"/> stands for the file in messages.
        /// </summary>
        public static Model Load(Stream stream, string name, ModelLoadOptions options)
        {
            ArgumentNullException.ThrowIfNull(stream);
            ArgumentNullException.ThrowIfNull(name);
            ArgumentNullException.ThrowIfNull(options);
            return ModelFiles.Load(stream, name, options);
        }

        /// <summary>Reads a model from a stream up to its end; <paramref name="name"/> stands for the file in messages.</summary>
        public static Model Load(Stream stream, string name)
        {
            ArgumentNullException.ThrowIfNull(stream);
            ArgumentNullException.ThrowIfNull(name);
            return ModelFiles.Load(stream, name);
        }

        /// <summary>Writes the model in the format that the path's ending names. The file appears whole or not at all.</summary>
        /// <exception cref="OutputException">The ending is not known, or the file cannot be written.</exception>
        public void Save(string path) => model.Save(path, new SaveOptions());

        /// <summary>Writes the model in the format that the path's ending names. The file appears whole or not at all.</summary>
        /// <param name="path">The file.</param>
        /// <param name="options">For example the batch that the file takes.</param>
        /// <exception cref="OutputException">The ending is not known, or the file cannot be written.</exception>
        /// <exception cref="ThomasException">The network cannot take the batch that is asked for.</exception>
        public void Save(string path, SaveOptions options)
        {
            ArgumentNullException.ThrowIfNull(model);
            ArgumentNullException.ThrowIfNull(path);
            ArgumentNullException.ThrowIfNull(options);
            ModelFiles.Save(model, path, options);
        }

        /// <summary>Writes the model to a stream.</summary>
        public void Save(Stream stream, ModelFormat format) => model.Save(stream, format, new SaveOptions());

        /// <summary>Writes the model to a stream.</summary>
        /// <param name="stream">Receives the file.</param>
        /// <param name="format">Its format.</param>
        /// <param name="options">For example the batch that the file takes.</param>
        /// <exception cref="ThomasException">The network cannot take the batch that is asked for.</exception>
        public void Save(Stream stream, ModelFormat format, SaveOptions options)
        {
            ArgumentNullException.ThrowIfNull(model);
            ArgumentNullException.ThrowIfNull(stream);
            ArgumentNullException.ThrowIfNull(options);
            ModelFiles.Save(model, stream, format, options);
        }
    }
}
