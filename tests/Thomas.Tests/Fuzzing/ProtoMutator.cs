using System;
using System.Collections;
using System.Collections.Generic;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Thomas.Tests.Fuzzing;

/// <summary>
/// Changes a protocol buffer as a tree of messages and fields: what comes out is always well formed, so that it reaches what stands behind the parser.
/// </summary>
internal static class ProtoMutator
{
    public static byte[] Mutate(Random random, IMessage root)
    {
        for (int i = random.Next(1, 4); i > 0; i--)
        {
            List<IMessage> messages = [];
            List<string> texts = [];
            Collect(root, messages, texts);
            IMessage message = messages[random.Next(messages.Count)];
            IList<FieldDescriptor> fields = message.Descriptor.Fields.InDeclarationOrder();
            FieldDescriptor field = fields[random.Next(fields.Count)];

            // Mostly what is there; a field that is not may be set as well.
            for (int tries = 0; tries < 20 && IsEmpty(message, field); tries++) field = fields[random.Next(fields.Count)];
            Change(random, message, field, messages, texts);
        }

        return root.ToByteArray();
    }

    private static bool IsEmpty(IMessage message, FieldDescriptor field) =>
        field.Accessor.GetValue(message) is null || (field.IsRepeated && ((IList)field.Accessor.GetValue(message)).Count == 0);

    private static void Collect(IMessage message, List<IMessage> messages, List<string> texts)
    {
        messages.Add(message);
        foreach (FieldDescriptor field in message.Descriptor.Fields.InDeclarationOrder())
        {
            object value = field.Accessor.GetValue(message);
            foreach (object? item in field.IsRepeated ? (IEnumerable)value : new[] { value })
            {
                if (item is IMessage child) Collect(child, messages, texts);
                else if (item is string { Length: > 0 } text) texts.Add(text);
            }
        }
    }

    private static void Change(Random random, IMessage message, FieldDescriptor field, List<IMessage> messages, List<string> texts)
    {
        if (!field.IsRepeated)
        {
            if (random.Next(6) == 0) field.Accessor.Clear(message);
            else if (Value(random, field, field.Accessor.GetValue(message), messages, texts) is object value) field.Accessor.SetValue(message, value);
            return;
        }

        IList list = (IList)field.Accessor.GetValue(message);
        int at = list.Count == 0 ? 0 : random.Next(list.Count), other = list.Count == 0 ? 0 : random.Next(list.Count);
        object? changed = Value(random, field, list.Count == 0 ? null : list[at], messages, texts);
        switch (random.Next(5))
        {
            case 0 when list.Count > 0:
                list.RemoveAt(at);
                break;
            case 1 when list.Count > 0:
                list.Insert(other, Copy(list[at]!));
                break;
            case 2 when list.Count > 0:
                object one = Copy(list[at]!), two = Copy(list[other]!);
                (list[at], list[other]) = (two, one);
                break;
            case 3 when changed is not null:
                list.Insert(at, changed);
                break;
            default:
                if (changed is not null && list.Count > 0) list[at] = changed;
                break;
        }
    }

    private static object Copy(object item) => item is IMessage message ? message.Descriptor.Parser.ParseFrom(message.ToByteString()) : item;

    private static object? Value(Random random, FieldDescriptor field, object? old, List<IMessage> messages, List<string> texts)
    {
        switch (field.FieldType)
        {
            case FieldType.Message:
                List<IMessage> same = messages.FindAll(message => message.Descriptor == field.MessageType);
                return same.Count > 0 ? Copy(same[random.Next(same.Count)]) : field.MessageType.Parser.ParseFrom(ByteString.Empty);
            case FieldType.String: return Mutation.Text(random, old as string ?? "", texts).Replace("\ud800", "?", StringComparison.Ordinal);
            case FieldType.Bytes: return ByteString.CopyFrom(Mutation.Bytes(random, (old as ByteString)?.ToByteArray() ?? [1, 2, 3, 4]));
            case FieldType.Float: return (float)Mutation.Real(random, old is float real ? real : 1);
            case FieldType.Double: return Mutation.Real(random, old is double real2 ? real2 : 1);
            case FieldType.Int32 or FieldType.SInt32 or FieldType.SFixed32: return (int)Mutation.Number(random, old is int number ? number : 1);
            case FieldType.UInt32 or FieldType.Fixed32: return (uint)Mutation.Number(random, old is uint number2 ? number2 : 1);
            case FieldType.Int64 or FieldType.SInt64 or FieldType.SFixed64: return Mutation.Number(random, old is long number3 ? number3 : 1);
            case FieldType.UInt64 or FieldType.Fixed64: return (ulong)Mutation.Number(random, old is ulong number4 ? (long)number4 : 1);
            case FieldType.Enum: return Enum.ToObject(old?.GetType() ?? field.EnumType.ClrType, random.Next(0, 24));
            case FieldType.Bool: return random.Next(2) == 0;
            default: return null;
        }
    }
}
