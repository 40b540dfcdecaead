//! The attribute `napi` for a plain WebAssembly module: on a struct, conversions from and to a JavaScript object; on a
//! function, an export that a host calls with a list of arguments. Names become camelCase, as N-API's do.

use proc_macro::TokenStream;
use quote::{format_ident, quote};
use syn::{Error, Fields, FnArg, Item, ItemFn, ItemStruct, Pat, parse_macro_input};

/// Makes a struct or a function known to the host; arguments of the attribute concern N-API alone.
#[proc_macro_attribute]
pub fn napi(_: TokenStream, item: TokenStream) -> TokenStream {
    let item = parse_macro_input!(item as Item);
    let expanded = match &item {
        Item::Struct(definition) => object(definition),
        Item::Fn(definition) => entry(definition),
        other => Err(Error::new_spanned(other, "`napi` stands on structs and functions here")),
    };
    let addition = expanded.unwrap_or_else(Error::into_compile_error);
    quote!(#item #addition).into()
}

fn object(definition: &ItemStruct) -> syn::Result<proc_macro2::TokenStream> {
    let Fields::Named(fields) = &definition.fields else {
        return Err(Error::new_spanned(definition, "an object needs named fields"));
    };
    let name = &definition.ident;
    let fields: Vec<_> = fields.named.iter().filter_map(|field| field.ident.as_ref()).collect();
    let keys: Vec<_> = fields.iter().map(|field| camel_case(&field.to_string())).collect();
    Ok(quote! {
        impl napi::bindgen_prelude::FromNapiValue for #name {
            fn from_value(value: napi::host::Handle) -> napi::Result<Self> {
                Ok(Self { #(#fields: napi::bindgen_prelude::field(value, #keys)?),* })
            }
        }
        impl napi::bindgen_prelude::ToNapiValue for #name {
            fn to_value(self) -> napi::Result<napi::host::Handle> {
                let object = napi::host::Handle::new_object();
                #(object.set(#keys, napi::bindgen_prelude::ToNapiValue::to_value(self.#fields)?);)*
                Ok(object)
            }
        }
    })
}

fn entry(definition: &ItemFn) -> syn::Result<proc_macro2::TokenStream> {
    let name = &definition.sig.ident;
    let export = camel_case(&name.to_string());
    let symbol = format_ident!("export_{name}");
    let arguments = definition.sig.inputs.iter().enumerate().map(|(index, argument)| {
        let FnArg::Typed(argument) = argument else {
            return Err(Error::new_spanned(argument, "an entry is a plain function"));
        };
        let Pat::Ident(pattern) = &*argument.pat else {
            return Err(Error::new_spanned(argument, "an entry's arguments need names"));
        };
        let key = camel_case(&pattern.ident.to_string());
        Ok(quote!(napi::bindgen_prelude::argument(arguments, #index, #key)?))
    });
    let arguments = arguments.collect::<syn::Result<Vec<_>>>()?;
    Ok(quote! {
        // SAFETY: no other symbol of the module has the name of an entry.
        #[unsafe(export_name = #export)]
        extern "C" fn #symbol(arguments: u32) -> u32 {
            let arguments = napi::host::Handle::from_raw(arguments);
            napi::call(|| Ok(#name(#(#arguments),*)))
        }
    })
}

/// `weight_ih` as `weightIh`.
fn camel_case(name: &str) -> String {
    let mut words = name.split('_').filter(|word| !word.is_empty());
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |camel, word| {
        let (head, tail) = word.split_at(1);
        camel + &head.to_uppercase() + tail
    })
}
