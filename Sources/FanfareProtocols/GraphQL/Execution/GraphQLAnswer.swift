import FanfareCore
import FanfareWire
import NIOCore

/// The answer to a query or mutation: what stands at the top, as it comes (spec section 7.1).
struct GraphQLAnswer {
    let plan: GraphQLPlan
    /// One for each field at the top; `nil`: it is awaited.
    private var results: [Result<GraphQLData, GraphQLError>?]
    /// Bytes of what was read and waits for the other fields, about.
    private(set) var held = 0

    /// - Parameter plan: of a query or mutation.
    init(_ plan: GraphQLPlan) {
        self.plan = plan
        results = plan.fields.map { field in
            if let problem = field.problem { return .failure(problem) }
            return field.name == "__typename" ? .success(.string(field.parent.string)) : nil
        }
    }

    /// What the schema says of itself: section 4.2.
    static func introspection(_ field: GraphQLPlanField) -> GraphQLData {
        guard field.name == "__type" else { return .object(.introspection(.schema)) }
        guard case .string(let name) = field.arguments["name"], GraphQLSchema.standard[ExactText(name)] != nil
        else { return .null }
        return .object(.introspection(.type(.named(ExactText(name)))))
    }

    /// The next field that is awaited and was not begun, with its place.
    func next(after place: Int?) -> (place: Int, field: GraphQLPlanField)? {
        let first = place.map { $0 + 1 } ?? 0
        return results.indices.first { $0 >= first && results[$0] == nil }.map { ($0, plan.fields[$0]) }
    }

    /// Takes what was read into the answer. What no field asks for is let go before.
    ///
    /// - Parameter cost: of what is left of it.
    mutating func set(read object: GraphQLObject, _ cost: ReadCost, at place: Int) {
        guard held == 0 || held + cost.bytes <= GraphQLBounds.answerBytes else {
            return set(.failure(GraphQLError("the answer would be too big: ask for less", .tooComplex)), at: place)
        }
        held += cost.bytes
        set(.success(.object(object)), at: place)
    }

    /// Whether nothing is awaited.
    var isComplete: Bool { results.allSatisfy { $0 != nil } }

    /// What a field came to. Its error gets its path.
    mutating func set(_ result: Result<GraphQLData, GraphQLError>, at place: Int) {
        guard results.indices.contains(place) else { return }
        results[place] = result.mapError { error in
            var error = error
            error.path = plan.fields[place].key
            return error
        }
    }

    /// The answer. Where it would be too big, an error says so in its place.
    func write(maxBytes: Int, into buffer: inout ByteBuffer) {
        let start = buffer.writerIndex
        do throws(GraphQLError) {
            var (writer, errors) = (GraphQLWriter(maxBytes: maxBytes), [GraphQLError]())
            buffer.writeStaticString(#"{"data":{"#)
            for (index, field) in plan.fields.enumerated() {
                if index > 0 { buffer.writeStaticString(",") }
                GraphQLWriter.writeKey(field.key, into: &buffer)
                switch results[index] {
                case .success(let data): try writer.write(data, field.selections, into: &buffer)
                case .failure(let error):
                    errors.append(error)
                    buffer.writeStaticString("null")
                case nil: buffer.writeStaticString("null")
                }
            }
            buffer.writeStaticString("}")
            if !errors.isEmpty {
                buffer.writeStaticString(#","errors":"#)
                errors.write(into: &buffer)
            }
            buffer.writeStaticString("}")
        } catch {
            buffer.moveWriterIndex(to: start)
            buffer.writeImmutableBuffer(GraphQLFailure(error).answer)
        }
    }
}
