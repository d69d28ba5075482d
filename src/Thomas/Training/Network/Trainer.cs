using System;
using System.Collections.Generic;
using System.Threading;
using Thomas.Data;

namespace Thomas.Training;

/// <summary>
/// Trains a network on prepared images by mini-batches of softmax cross-entropy: all of it, some of its layers, or from random weights.
/// </summary>
/// <remarks>
/// <para>The weights of the best epoch are kept: the one of highest validation accuracy (mean recall with <see cref="ClassBalance.Weighted"/>), among equals
/// the one of lowest validation loss, then the earliest. Where the model was given with the data set's classes, and is not trained from scratch, it competes as
/// epoch 0: the result is never worse on the validation images than what was given. Without validation images the last epoch counts as the best.</para>
/// <para>The losses of a step's images are weighted so that the weights sum to 1, whatever the classes, the micro-batches and the size of the last step.</para>
/// <para>If a loss or a parameter is not finite, the steps since the last good state are run again with every tensor checked, the first bad one is named in the
/// notes, and training goes on from that state with 0.3 times the learning rate, three times at most.</para>
/// <para>The same seed gives the same bits on one kind of processor, whatever the number of threads; so does a run that was stopped and resumed from its
/// checkpoint. With <see cref="TrainerOptions.Resume"/> a run, finished or not, can also be given more epochs or other images.</para>
/// </remarks>
/// <example>
/// <code>
/// using PreparedSet train = PreparedSet.Create(images.Only(Subset.Train), decoder, prepare);
/// using PreparedSet validation = PreparedSet.Create(images.Only(Subset.Validation), decoder, prepare);
/// TrainerResult result = Trainer.Train(network, train, validation, new TrainerOptions { Policy = new UpdatePolicy(UpdateKind.Scratch), Epochs = 30 });
/// </code>
/// </example>
public static class Trainer
{
    /// <summary>
    /// How to prepare training images for a model: at its size, or 1.15 times that where <paramref name="augmentation"/> cuts out random parts, so that those
    /// lose no resolution.
    /// </summary>
    /// <param name="model">The model's preprocessing.</param>
    /// <param name="augmentation">Changes made to the images in each epoch.</param>
    /// <returns>The preprocessing for <see cref="PreparedSetOptions.Preprocessing"/>.</returns>
    public static Preprocessing PrepareFor(Preprocessing model, Augmentation augmentation)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(augmentation);
        return CropAugmenter.Enlarge(model, augmentation);
    }

    /// <summary>Whether a file is a checkpoint of a training run.</summary>
    /// <exception cref="ThomasException">It cannot be read.</exception>
    public static bool IsCheckpoint(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return Checkpoint.IsCheckpoint(path);
    }

    /// <summary>Trains a model.</summary>
    /// <param name="model">An image classifier or feature extractor. It gets a new last layer where its classes are not the data set's.</param>
    /// <param name="train">The training images, of the model's size or larger; see <see cref="PrepareFor"/>.</param>
    /// <param name="validation">The validation images, of the model's size, with the same classes; null if there are none.</param>
    /// <param name="options">How.</param>
    /// <param name="epochs">Told the figures of every epoch.</param>
    /// <param name="progress">Told how far training and validation are, after every step, and what the watchdog did.</param>
    /// <param name="cancellation">Ends training before the next step; a checkpoint is written and the best weights so far are returned.</param>
    /// <returns>The trained model and the report of the run.</returns>
    /// <exception cref="ThomasException">
    /// The model cannot be trained, the images do not fit it, training diverges in spite of lower rates, or the checkpoint to resume from belongs to another
    /// run; the message says what to do.
    /// </exception>
    /// <exception cref="ArgumentException">An option is out of its range; the message names it.</exception>
    /// <exception cref="OperationCanceledException">Cancelled before training began.</exception>
    public static TrainerResult Train(
        Model model,
        PreparedSet train,
        PreparedSet? validation,
        TrainerOptions? options = null,
        IProgress<EpochReport>? epochs = null,
        IProgress<StageProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(train);
        options ??= new TrainerOptions();
        options.Validate();
        List<string> notes = [];
        TrainingInputs inputs = TrainingInputs.Check(model, train, validation, options, notes);
        using TrainingRun run = new(inputs, options, notes, epochs, progress, cancellation);
        return run.Go();
    }
}
