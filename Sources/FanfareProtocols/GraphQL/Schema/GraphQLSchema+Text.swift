import FanfareWire

extension GraphQLSchema {
    /// The node's schema.
    static let standard = GraphQLSchema(text, introspection)

    /// What clients can ask for, as docs/graphql.md prints it.
    static let text = #"""
        "JSON of any form: an object, a list, a string, a number, true, false or null."
        scalar JSON

        "A whole number from 0 to 2^64-1: where a publication is in its channel's stream."
        scalar Offset

        type Query {
          "What a channel keeps, the oldest first. With `since` all after that position, with `first` the oldest of them, with `last` the newest."
          history(channel: String!, since: String, first: Int, last: Int): History
          "Who is in a channel."
          presence(channel: String!): Presence
          "The node that answers."
          node: Node!
        }

        type Mutation {
          "Publishes `data` as JSON."
          publish(channel: String!, data: JSON!, tags: [TagInput!]): Published
        }

        type Subscription {
          "Publications of a channel. With `since` first all after that position, with `last` first so many that came before. `token` opens a channel that needs one."
          channel(name: String!, since: String, last: Int, token: String): Publication!
        }

        type Publication {
          channel: String!
          "The payload where it is JSON, text as a string. Of a binary one null."
          data: JSON
          "The payload as it is. Of a binary one null."
          text: String
          "The bytes of the payload, whatever they are."
          base64: String!
          "Null where the channel keeps nothing."
          offset: Offset
          "Which stream `offset` counts in."
          epoch: String
          "Offset and epoch in one, for `since`."
          position: String
          tags: [Tag!]!
          "Who published it, where the channel says so."
          info: ClientInfo
        }

        type Tag {
          name: String!
          value: String!
        }

        input TagInput {
          name: String!
          value: String!
        }

        type ClientInfo {
          "The connection."
          client: String!
          "The user; empty without a token."
          user: String!
          connInfo: JSON
          chanInfo: JSON
        }

        type History {
          publications: [Publication!]!
          "Where the stream ends."
          offset: Offset!
          epoch: String!
          position: String!
        }

        type Presence {
          members: [ClientInfo!]!
          count: Int!
        }

        type Published {
          "Null where the channel keeps nothing."
          offset: Offset
          epoch: String
          position: String
        }

        type Node {
          name: String!
          version: String!
        }
        """#

    /// Section 4.2, with what later editions say of deprecated arguments, which tools ask for. The scalars of section 3.5 that the schema
    /// uses, and the directives of section 3.13.
    private static let introspection = """
        scalar Boolean scalar Int scalar String
        directive @include(if: Boolean!) on FIELD | FRAGMENT_SPREAD | INLINE_FRAGMENT
        directive @skip(if: Boolean!) on FIELD | FRAGMENT_SPREAD | INLINE_FRAGMENT

        type __Schema {
          description: String types: [__Type!]! queryType: __Type! mutationType: __Type subscriptionType: __Type
          directives: [__Directive!]!
        }

        type __Type {
          kind: __TypeKind! name: String description: String specifiedByURL: String
          fields(includeDeprecated: Boolean = false): [__Field!]
          interfaces: [__Type!] possibleTypes: [__Type!]
          enumValues(includeDeprecated: Boolean = false): [__EnumValue!]
          inputFields(includeDeprecated: Boolean = false): [__InputValue!]
          ofType: __Type
        }

        enum __TypeKind { SCALAR OBJECT INTERFACE UNION ENUM INPUT_OBJECT LIST NON_NULL }

        type __Field {
          name: String! description: String args(includeDeprecated: Boolean = false): [__InputValue!]! type: __Type!
          isDeprecated: Boolean! deprecationReason: String
        }

        type __InputValue {
          name: String! description: String type: __Type! defaultValue: String isDeprecated: Boolean!
          deprecationReason: String
        }

        type __EnumValue { name: String! description: String isDeprecated: Boolean! deprecationReason: String }

        type __Directive {
          name: String! description: String isRepeatable: Boolean! locations: [__DirectiveLocation!]!
          args(includeDeprecated: Boolean = false): [__InputValue!]!
        }

        enum __DirectiveLocation {
          QUERY MUTATION SUBSCRIPTION FIELD FRAGMENT_DEFINITION FRAGMENT_SPREAD INLINE_FRAGMENT VARIABLE_DEFINITION
          SCHEMA SCALAR OBJECT FIELD_DEFINITION ARGUMENT_DEFINITION INTERFACE UNION ENUM ENUM_VALUE INPUT_OBJECT
          INPUT_FIELD_DEFINITION
        }
        """
}
