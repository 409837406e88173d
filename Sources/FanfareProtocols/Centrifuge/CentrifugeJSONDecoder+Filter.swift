import FanfareWire
import NIOCore

/// A subscription's filter out of JSON (`client.proto`: FilterNode).
extension CentrifugeJSONDecoder {
    /// The `tf` of a `subscribe`; `nil` where there is none.
    static func filter(_ fields: JSONMembers) -> Result<TagFilter, TagFilterError>? {
        guard let value = present("tf", fields) else { return nil }
        do throws(TagFilterError) {
            guard value.bytes.readableBytes <= maximumFilterBytes else { throw .tooLong }
            return .success(try TagFilter(try node(value, depth: 1)))
        } catch {
            return .failure(error)
        }
    }

    private static func node(_ value: JSONMembers.Value, depth: Int) throws(TagFilterError) -> TagFilter.Node {
        guard depth <= TagFilter.maximumDepth else { throw .tooDeep }
        guard let fields = JSONMembers(value.bytes) else { throw .form("a node that is no object") }
        var nodes: [TagFilter.Node] = []
        for node in try elements("nodes", fields) { nodes.append(try Self.node(node, depth: depth + 1)) }
        var vals: [ExactText] = []
        for val in try elements("vals", fields) {
            guard let text = val.text else { throw .form("'vals' that are not all strings") }
            vals.append(text)
        }
        return try TagFilter.Node(
            op: try filterText("op", fields), key: try filterText("key", fields), cmp: try filterText("cmp", fields),
            val: try filterText("val", fields), vals: vals, nodes: nodes)
    }

    private static func elements(
        _ name: ExactText, _ fields: JSONMembers
    ) throws(TagFilterError) -> [JSONMembers.Value] {
        guard let value = present(name, fields) else { return [] }
        guard let elements = value.elements else { throw .form("'\(name)' that are no array") }
        return elements
    }

    private static func filterText(_ name: ExactText, _ fields: JSONMembers) throws(TagFilterError) -> ExactText {
        guard let value = present(name, fields) else { return "" }
        guard let text = value.text else { throw .form("a '\(name)' that is no string") }
        return text
    }
}
