using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Katib.Hosting.Tests.Fuzz;

/// <summary>Messages of any type with fields that hold anything.</summary>
internal static class HostileMessages
{
    /// <summary>A message made of chance alone.</summary>
    public static void Fill(IMessage message, Dice dice, int depth = 6)
    {
        foreach (var field in message.Descriptor.Fields.InFieldNumberOrder())
        {
            if (dice.OneIn(4))
            {
                continue;
            }

            if (!field.IsRepeated)
            {
                Set(message, field, dice, depth);
            }
            else if (!field.IsMap)
            {
                var list = (System.Collections.IList)field.Accessor.GetValue(message);
                for (var i = dice.Below(4); i > 0 && depth > 0; i--)
                {
                    _ = list.Add(Value(field, dice, depth));
                }
            }
        }
    }

    /// <summary>Changes one place of a message that may otherwise be fine.</summary>
    public static void ChangeOne(IMessage message, Dice dice)
    {
        while (true)
        {
            var fields = message.Descriptor.Fields.InFieldNumberOrder().Where(static f => !f.IsMap).ToArray();
            if (fields.Length is 0)
            {
                return;
            }

            var field = fields[dice.Below(fields.Length)];
            var value = field.Accessor.GetValue(message);
            if (field.IsRepeated)
            {
                var list = (System.Collections.IList)value;
                if (list.Count is 0 || dice.OneIn(10))
                {
                    _ = list.Add(Value(field, dice, depth: 3));
                    return;
                }

                var at = dice.Below(list.Count);
                if (dice.OneIn(10))
                {
                    list.RemoveAt(at);
                    return;
                }

                if (field.FieldType is not FieldType.Message)
                {
                    list[at] = Value(field, dice, depth: 3);
                    return;
                }

                message = (IMessage)list[at]!;
            }
            else if (field.FieldType is FieldType.Message && value is IMessage inner && !dice.OneIn(10))
            {
                message = inner;
            }
            else if (dice.OneIn(10))
            {
                field.Accessor.Clear(message);
                return;
            }
            else
            {
                Set(message, field, dice, depth: 3);
                return;
            }
        }
    }

    private static void Set(IMessage message, FieldDescriptor field, Dice dice, int depth)
    {
        if (field.FieldType is not FieldType.Message || depth > 0)
        {
            field.Accessor.SetValue(message, Value(field, dice, depth));
        }
    }

    private static object Value(FieldDescriptor field, Dice dice, int depth)
    {
        switch (field.FieldType)
        {
            case FieldType.String:
                return dice.OneIn(2) ? HostileValues.Number(dice) : HostileValues.Text(dice);
            case FieldType.Message:
                var message = (IMessage)Activator.CreateInstance(field.MessageType.ClrType)!;
                Fill(message, dice, depth - 1);
                return message;
            case FieldType.Enum:
                return Enum.ToObject(field.EnumType.ClrType, dice.OneIn(4) ? HostileValues.Whole(dice) : dice.Below(8));
            case FieldType.Double:
                return BitConverter.UInt64BitsToDouble(dice.Bits);
            case FieldType.Float:
                return BitConverter.UInt32BitsToSingle((uint)dice.Bits);
            case FieldType.Bool:
                return dice.OneIn(2);
            case FieldType.Int64:
                return (long)dice.Bits;
            default:
                return HostileValues.Whole(dice);
        }
    }
}
