using System.Collections.Generic;
using PickleDict = System.Collections.Generic.OrderedDictionary<string, object?>;

namespace Thomas.Formats.PyTorch;

/// <summary>
/// Finds the weights in what a training script saved: a dict of tensors, often wrapped with epoch and optimizer, a module, or several of them, of which one is
/// the moving average of the weights.
/// </summary>
internal sealed class TorchCheckpoint
{
    /// <summary>Keys of averaged weights; like timm, which they are taken from, they come first: averages are what such a run is evaluated with.</summary>
    private static readonly string[] Averages =
    [
        "state_dict_ema", "model_ema", "ema_state_dict", "model_ema_state_dict", "ema_model_state_dict", "ema_model", "params_ema", "ema", "averaged_model",
        "swa_state_dict",
    ];

    private static readonly string[] Plain =
    [
        "state_dict", "model_state_dict", "model_state", "model_weights", "model", "net", "network", "params", "weights", "module", "shadow",
        "net_state_dict", "best_state_dict", "best_model", "backbone", "encoder",
    ];

    private const int MaxWrappers = 4;
    private const int KeysInMessage = 8;
    private const int MaxDepth = 64;
    private const int MaxDicts = 4096;

    private readonly string _file;
    private readonly List<string> _notes;
    private int _dicts, _modules;

    private TorchCheckpoint(string file, List<string> notes)
    {
        _file = file;
        _notes = notes;
    }

    /// <summary>The dict of tensors.</summary>
    /// <param name="root">What the file holds.</param>
    /// <param name="file">Name of the file, for messages.</param>
    /// <param name="entry">The key to take the weights from; null chooses.</param>
    /// <param name="notes">Receives what was chosen, where there was a choice.</param>
    /// <exception cref="ModelFormatException">There are no weights, or several that nothing tells apart.</exception>
    public static PickleDict Find(object? root, string file, string? entry, List<string> notes)
    {
        TorchCheckpoint checkpoint = new(file, notes);
        PickleDict dict = checkpoint.AsDict(root) ?? throw new ModelFormatException(
            file, "checkpoint", "it is not a dict of tensors; save the weights with torch.save(model.state_dict(), path)");
        if (entry is null) return checkpoint.Unwrap(dict, MaxWrappers) ?? throw checkpoint.NoTensors(dict);
        if (!dict.TryGetValue(entry, out object? value))
        {
            throw new ModelFormatException(file, "checkpoint", $"it has no entry '{entry}'; its keys are: {Keys(dict)}");
        }

        return (checkpoint.AsDict(value) is PickleDict named ? checkpoint.Unwrap(named, MaxWrappers) : null)
            ?? throw new ModelFormatException(file, "checkpoint", $"its entry '{entry}' holds no tensors with names");
    }

    /// <summary>The dict of tensors in or below a dict; null where there is none.</summary>
    private PickleDict? Unwrap(PickleDict dict, int wrappers)
    {
        if (++_dicts > MaxDicts) throw new ModelFormatException(_file, "checkpoint", $"it has more than {MaxDicts} dicts where weights may be");
        if (wrappers < 0) throw new ModelFormatException(_file, "checkpoint", $"the dict of tensors is wrapped more than {MaxWrappers} times");
        (string Key, PickleDict Dict)? average = Below(dict, Averages, wrappers), plain = Below(dict, Plain, wrappers);
        if (average is not null && plain is not null)
        {
            // An average of the trained weights alone lacks the running statistics.
            bool whole = average.Value.Dict.Count >= plain.Value.Dict.Count;
            (string taken, string left) = whole ? (average.Value.Key, plain.Value.Key) : (plain.Value.Key, average.Value.Key);
            _notes.Add(
                $"the weights are those under '{taken}'{(whole ? ", an average over the training" : $"; '{left}' has an average of only some of them")}; "
                + $"'{left}' was left out");
            return whole ? average.Value.Dict : plain.Value.Dict;
        }

        if ((average ?? plain) is (string key, PickleDict found))
        {
            if (average is not null) _notes.Add($"the weights are those under '{key}', an average over the training");
            return found;
        }

        return HasTensors(dict) ? dict : OnlyDict(dict);
    }

    private (string Key, PickleDict Dict)? Below(PickleDict dict, string[] keys, int wrappers)
    {
        foreach (string key in keys)
        {
            if (dict.TryGetValue(key, out object? value) && AsDict(value) is PickleDict wrapped && Unwrap(wrapped, wrappers - 1) is PickleDict found)
            {
                return (key, found);
            }
        }

        return null;
    }

    /// <summary>The one entry, under a key of the script's own, that is a dict of tensors; the optimizer's state has no names.</summary>
    private PickleDict? OnlyDict(PickleDict dict)
    {
        List<string> keys = [];
        PickleDict? only = null;
        foreach ((string key, object? value) in dict)
        {
            if (AsDict(value) is not PickleDict inner || !HasTensors(inner)) continue;
            keys.Add($"'{key}'");
            only = inner;
        }

        if (keys.Count > 1)
        {
            throw new ModelFormatException(
                _file, "checkpoint", $"there are several dicts of tensors, under {string.Join(", ", keys)}; say which one to take (--weights-key)");
        }

        if (only is not null) _notes.Add($"the weights are those under {keys[0]}");
        return only;
    }

    private static bool HasTensors(PickleDict dict)
    {
        foreach ((_, object? value) in dict)
        {
            if (value is TorchTensor) return true;
        }

        return false;
    }

    /// <summary>A dict as it is, and of a module its parameters and buffers by their names.</summary>
    private PickleDict? AsDict(object? value)
    {
        if (value is PickleDict dict) return dict;
        if (value is not PickleObject { State: PickleDict state } module || !state.ContainsKey("_modules")) return null;
        PickleDict tensors = [];
        AddModule(tensors, module, "", 0);
        return tensors;
    }

    /// <summary>The pickle may hold modules that contain themselves.</summary>
    private void AddModule(PickleDict tensors, PickleObject module, string prefix, int depth)
    {
        if (depth == MaxDepth || ++_modules > ModelLimits.WeightTensors)
        {
            throw new ModelFormatException(_file, "checkpoint", "its modules are nested too deeply or are too many");
        }

        if (module.State is not PickleDict state) return;
        foreach (string group in new[] { "_parameters", "_buffers" })
        {
            foreach ((string name, object? tensor) in state.GetValueOrDefault(group) as PickleDict ?? [])
            {
                if (tensor is TorchTensor) tensors[prefix + name] = tensor;
            }
        }

        foreach ((string name, object? child) in state.GetValueOrDefault("_modules") as PickleDict ?? [])
        {
            if (child is PickleObject inner) AddModule(tensors, inner, $"{prefix}{name}.", depth + 1);
        }
    }

    private ModelFormatException NoTensors(PickleDict dict) => new(
        _file, "checkpoint", $"the dict holds no tensors, not even under {string.Join(", ", Plain[..6])} or the like; its keys are: {Keys(dict)}");

    private static string Keys(PickleDict dict)
    {
        List<string> keys = [];
        for (int i = 0; i < dict.Count && i < KeysInMessage; i++) keys.Add($"'{dict.GetAt(i).Key}'");
        if (dict.Count > KeysInMessage) keys.Add($"{dict.Count - KeysInMessage} more");
        return keys.Count == 0 ? "none" : string.Join(", ", keys);
    }
}
