import FanfareWire
import NIOCore

/// A subscription's filter out of Protobuf (`client.proto`: FilterNode).
extension CentrifugeProtobufDecoder {
    static func filter(_ message: ByteBuffer) -> Result<TagFilter, TagFilterError> {
        do throws(TagFilterError) {
            guard message.readableBytes <= maximumFilterBytes else { throw .tooLong }
            return .success(try TagFilter(try node(message, depth: 1)))
        } catch {
            return .failure(error)
        }
    }

    private static func node(_ message: ByteBuffer, depth: Int) throws(TagFilterError) -> TagFilter.Node {
        guard depth <= TagFilter.maximumDepth else { throw .tooDeep }
        var (op, key, cmp, val) = (ExactText(""), ExactText(""), ExactText(""), ExactText(""))
        var (vals, nodes): ([ExactText], [TagFilter.Node]) = ([], [])
        var reader = ProtobufReader(message)
        while true {
            let field: ProtobufReader.Field?
            do throws(ProtobufError) { field = try reader.next() } catch { throw .form("a node that is no message") }
            guard let field else { break }
            switch CentrifugeFields.FilterNode(rawValue: field.number) {
            case .op: op = try text(field)
            case .key: key = try text(field)
            case .cmp: cmp = try text(field)
            case .val: val = try text(field)
            case .vals:
                guard vals.count < TagFilter.maximumValues else { throw .tooManyValues }
                vals.append(try text(field))
            case .nodes:
                guard nodes.count < TagFilter.maximumNodes else { throw .tooManyNodes }
                guard case .bytes(let bytes) = field.value else { throw .form("a node that is no message") }
                nodes.append(try node(bytes, depth: depth + 1))
            case nil: break
            }
        }
        return try TagFilter.Node(op: op, key: key, cmp: cmp, val: val, vals: vals, nodes: nodes)
    }

    private static func text(_ field: ProtobufReader.Field) throws(TagFilterError) -> ExactText {
        guard let text = field.value.text else { throw .form("a text that is none") }
        return ExactText(text)
    }
}
