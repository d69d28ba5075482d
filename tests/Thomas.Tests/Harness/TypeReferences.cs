using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.IO;
using System.Reflection;
using System.Reflection.Emit;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

namespace Thomas.Tests.Harness;

/// <summary>
/// Which types of an assembly use which others of it, with the source files of each: base types, interfaces, constraints, fields, signatures, local variables
/// and what the code calls, creates or names. Constants are not seen, since the compiler copies their value. Nested types and what the compiler generates count
/// for the type around them.
/// </summary>
internal sealed class TypeReferences
{
    // Types without code are listed with their source file under this kind (portable PDB specification, "TypeDefinitionDocuments").
    private static readonly Guid TypeDocuments = new("932E74BC-DBA9-4478-8D46-0F32A7BAB3D3");
    private static readonly Dictionary<int, OperandType> Operands = ReadOperands();

    private readonly MetadataReader _metadata;
    private readonly PEReader _image;
    private readonly Collector _collector;

    private TypeReferences(PEReader image, MetadataReader symbols)
    {
        _image = image;
        _metadata = image.GetMetadataReader();
        _collector = new Collector(_metadata);
        foreach (TypeDefinitionHandle handle in _metadata.TypeDefinitions)
        {
            TypeDefinitionHandle outer = Outermost(_metadata, handle);
            if (!IsWritten(outer)) continue;
            if (!Uses.TryGetValue(NameOf(outer), out HashSet<string>? uses)) Uses.Add(NameOf(outer), uses = []);
            if (!Sources.TryGetValue(NameOf(outer), out HashSet<string>? sources)) Sources.Add(NameOf(outer), sources = []);
            _collector.Found.Clear();
            ReadType(handle);
            foreach (TypeDefinitionHandle found in _collector.Found)
            {
                if (IsWritten(Outermost(_metadata, found))) uses.Add(NameOf(Outermost(_metadata, found)));
            }

            uses.Remove(NameOf(outer));
            ReadSources(symbols, handle, sources);
        }
    }

    /// <summary>The full names of the types that each type uses.</summary>
    public Dictionary<string, HashSet<string>> Uses { get; } = [];

    /// <summary>The source files of each type; none for what the compiler made.</summary>
    public Dictionary<string, HashSet<string>> Sources { get; } = [];

    /// <summary>Reads an assembly and the symbols beside it.</summary>
    public static TypeReferences Read(string assembly)
    {
        using PEReader image = new(File.OpenRead(assembly));
        using MetadataReaderProvider symbols = MetadataReaderProvider.FromPortablePdbStream(File.OpenRead(Path.ChangeExtension(assembly, ".pdb")));
        return new TypeReferences(image, symbols.GetMetadataReader());
    }

    private static Dictionary<int, OperandType> ReadOperands()
    {
        Dictionary<int, OperandType> operands = [];
        foreach (FieldInfo field in typeof(OpCodes).GetFields(BindingFlags.Public | BindingFlags.Static))
        {
            if (field.GetValue(null) is OpCode code) operands[(ushort)code.Value] = code.OperandType;
        }

        return operands;
    }

    private static TypeDefinitionHandle Outermost(MetadataReader metadata, TypeDefinitionHandle handle)
    {
        while (metadata.GetTypeDefinition(handle).GetDeclaringType() is { IsNil: false } outer) handle = outer;
        return handle;
    }

    /// <summary>What the compiler adds to every assembly has no namespace or one of its own.</summary>
    private bool IsWritten(TypeDefinitionHandle outer) =>
        _metadata.GetString(_metadata.GetTypeDefinition(outer).Namespace).StartsWith(nameof(Thomas), StringComparison.Ordinal);

    private string NameOf(TypeDefinitionHandle handle)
    {
        TypeDefinition type = _metadata.GetTypeDefinition(handle);
        return $"{_metadata.GetString(type.Namespace)}.{_metadata.GetString(type.Name)}";
    }

    private void ReadType(TypeDefinitionHandle handle)
    {
        TypeDefinition type = _metadata.GetTypeDefinition(handle);
        _collector.Add(type.BaseType);
        foreach (InterfaceImplementationHandle implemented in type.GetInterfaceImplementations())
            _collector.Add(_metadata.GetInterfaceImplementation(implemented).Interface);
        ReadConstraints(type.GetGenericParameters());
        foreach (FieldDefinitionHandle field in type.GetFields()) _metadata.GetFieldDefinition(field).DecodeSignature(_collector, null);
        foreach (MethodDefinitionHandle method in type.GetMethods()) ReadMethod(_metadata.GetMethodDefinition(method));
    }

    private void ReadConstraints(GenericParameterHandleCollection parameters)
    {
        foreach (GenericParameterHandle parameter in parameters)
        {
            foreach (GenericParameterConstraintHandle constraint in _metadata.GetGenericParameter(parameter).GetConstraints())
                _collector.Add(_metadata.GetGenericParameterConstraint(constraint).Type);
        }
    }

    private void ReadMethod(MethodDefinition method)
    {
        method.DecodeSignature(_collector, null);
        ReadConstraints(method.GetGenericParameters());
        if (method.RelativeVirtualAddress == 0) return;
        MethodBodyBlock body = _image.GetMethodBody(method.RelativeVirtualAddress);
        if (!body.LocalSignature.IsNil) _metadata.GetStandaloneSignature(body.LocalSignature).DecodeLocalSignature(_collector, null);
        foreach (ExceptionRegion region in body.ExceptionRegions) _collector.Add(region.CatchType);
        BlobReader code = body.GetILReader();
        while (code.RemainingBytes > 0)
        {
            int value = code.ReadByte();
            if (value == 0xFE) value = 0xFE00 | code.ReadByte();
            switch (Operands[value])
            {
                case OperandType.InlineNone:
                    break;
                case OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar:
                    code.ReadByte();
                    break;
                case OperandType.InlineVar:
                    code.ReadInt16();
                    break;
                case OperandType.InlineI8 or OperandType.InlineR:
                    code.ReadInt64();
                    break;
                case OperandType.InlineSwitch:
                    int targets = code.ReadInt32();
                    code.Offset += 4 * targets;
                    break;
                case OperandType.InlineField or OperandType.InlineMethod or OperandType.InlineTok or OperandType.InlineType:
                    _collector.Add(MetadataTokens.EntityHandle(code.ReadInt32()));
                    break;
                default:
                    code.ReadInt32();
                    break;
            }
        }
    }

    private void ReadSources(MetadataReader symbols, TypeDefinitionHandle handle, HashSet<string> sources)
    {
        TypeDefinition type = _metadata.GetTypeDefinition(handle);
        foreach (MethodDefinitionHandle method in type.GetMethods())
        {
            DocumentHandle document = symbols.GetMethodDebugInformation(method).Document;
            if (!document.IsNil) Add(document);
        }

        foreach (CustomDebugInformationHandle information in symbols.GetCustomDebugInformation(handle))
        {
            CustomDebugInformation entry = symbols.GetCustomDebugInformation(information);
            if (symbols.GetGuid(entry.Kind) != TypeDocuments) continue;
            BlobReader documents = symbols.GetBlobReader(entry.Value);
            while (documents.RemainingBytes > 0) Add(MetadataTokens.DocumentHandle(documents.ReadCompressedInteger()));
        }

        void Add(DocumentHandle document) => sources.Add(symbols.GetString(symbols.GetDocument(document).Name));
    }

    /// <summary>Notes every type of the assembly that a signature, a token or an attribute names.</summary>
    private sealed class Collector(MetadataReader metadata) : ISignatureTypeProvider<object?, object?>
    {
        public HashSet<TypeDefinitionHandle> Found { get; } = [];

        public void Add(EntityHandle handle)
        {
            if (handle.IsNil) return;
            switch (handle.Kind)
            {
                case HandleKind.TypeDefinition:
                    Found.Add((TypeDefinitionHandle)handle);
                    break;
                case HandleKind.TypeSpecification:
                    metadata.GetTypeSpecification((TypeSpecificationHandle)handle).DecodeSignature(this, null);
                    break;
                case HandleKind.MethodDefinition:
                    Found.Add(metadata.GetMethodDefinition((MethodDefinitionHandle)handle).GetDeclaringType());
                    break;
                case HandleKind.FieldDefinition:
                    Found.Add(metadata.GetFieldDefinition((FieldDefinitionHandle)handle).GetDeclaringType());
                    break;
                case HandleKind.MemberReference:
                    Add(metadata.GetMemberReference((MemberReferenceHandle)handle));
                    break;
                case HandleKind.MethodSpecification:
                    MethodSpecification method = metadata.GetMethodSpecification((MethodSpecificationHandle)handle);
                    Add(method.Method);
                    method.DecodeSignature(this, null);
                    break;
                default:
                    break;
            }
        }

        public object? GetTypeFromDefinition(MetadataReader reader, TypeDefinitionHandle handle, byte rawTypeKind)
        {
            Found.Add(handle);
            return null;
        }

        public object? GetTypeFromSpecification(MetadataReader reader, object? genericContext, TypeSpecificationHandle handle, byte rawTypeKind) =>
            reader.GetTypeSpecification(handle).DecodeSignature(this, genericContext);

        public object? GetArrayType(object? elementType, ArrayShape shape) => null;

        public object? GetByReferenceType(object? elementType) => null;

        public object? GetFunctionPointerType(MethodSignature<object?> signature) => null;

        public object? GetGenericInstantiation(object? genericType, ImmutableArray<object?> typeArguments) => null;

        public object? GetGenericMethodParameter(object? genericContext, int index) => null;

        public object? GetGenericTypeParameter(object? genericContext, int index) => null;

        public object? GetModifiedType(object? modifier, object? unmodifiedType, bool isRequired) => null;

        public object? GetPinnedType(object? elementType) => null;

        public object? GetPointerType(object? elementType) => null;

        public object? GetPrimitiveType(PrimitiveTypeCode typeCode) => null;

        public object? GetSZArrayType(object? elementType) => null;

        public object? GetTypeFromReference(MetadataReader reader, TypeReferenceHandle handle, byte rawTypeKind) => null;

        private void Add(MemberReference member)
        {
            Add(member.Parent);
            if (member.GetKind() == MemberReferenceKind.Field) member.DecodeFieldSignature(this, null);
            else member.DecodeMethodSignature(this, null);
        }
    }
}
